//! With libFuzzer, a fuzz target; without, a program that runs the inputs in the files and folders that are given.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| qiao_fuzz::run(qiao_fuzz::metadata, input));

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let changed = data.get(..size).filter(|_| seed % 4 != 0).and_then(|input| qiao_fuzz::mutate::json(input, seed));
    let place =
        changed.as_ref().filter(|changed| changed.len() <= max_size).and_then(|changed| data.get_mut(..changed.len()));
    match (changed.as_ref(), place) {
        (Some(changed), Some(place)) => {
            place.copy_from_slice(changed);
            changed.len()
        }
        _ => libfuzzer_sys::fuzzer_mutate(data, size, max_size),
    }
});

#[cfg(not(fuzzing))]
fn main() {
    qiao_fuzz::replay(qiao_fuzz::metadata);
}
