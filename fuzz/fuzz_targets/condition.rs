//! With libFuzzer, a fuzz target; without, a program that runs the inputs in the files and folders that are given.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| qiao_fuzz::run(qiao_fuzz::condition, input));

#[cfg(not(fuzzing))]
fn main() {
    qiao_fuzz::replay(qiao_fuzz::condition);
}
