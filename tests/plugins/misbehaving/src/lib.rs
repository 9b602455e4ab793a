//! A plugin that tries what a plugin must not be able to do. The scheme's `api` says what.

#![allow(clippy::panic, clippy::empty_loop, clippy::infinite_loop, reason = "misbehaving is what this plugin is for")]

mod pages;

use std::hint::black_box;
use std::net::{TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

use qiao_plugin::http::{Access, Request, secret};
use qiao_plugin::{
    Bill, Connection, Connector, Description, Failure, Fetch, Find, Found, Object, Operation, Outcome, Page, Push,
    Receipt, SignedIn, Source, Target, Value, log,
};

struct Misbehaving;

impl Connector for Misbehaving {
    fn describe() -> Description {
        Description::new("misbehaving", env!("CARGO_PKG_VERSION"), "Tries what a plugin must not be able to do.")
            .optional_secret("token", "Something worth stealing.")
            .operation(Operation::source("*", "Misbehaves as the name of the operation says."))
            .operation(Operation::target("*", "Misbehaves as the name of the operation says.").found_by("number"))
    }

    fn sign_in(_: &Connection) -> Result<SignedIn, Failure> {
        Ok(SignedIn::without_data())
    }
}

/// Gets a page from the connection's own host.
fn get(path: &str) -> Result<Page, Failure> {
    let answer = Request::get(path).send().map_err(|error| error.failure(Access::Read))?;
    Ok(Page::raw_objects(answer.body))
}

/// Two pages, each of which fails if it finds what the one before left in memory.
fn remember(call: &Fetch) -> Result<Page, Failure> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    if CALLS.fetch_add(1, Ordering::Relaxed) > 0 {
        return Err(Failure::rejected("an earlier call is remembered"));
    }
    let row = Object::from_iter([("number".to_owned(), Value::from(call.page.index))]);
    let next = (call.page.index == 0).then(|| call.page.after(1));
    Ok(Page::objects(vec![row]).next(next))
}

/// Fails if there is anything to be seen of the machine.
fn look_around() -> Result<Page, Failure> {
    let seen = [
        ("the environment", env::vars().next().is_some()),
        ("arguments", env::args().next().is_some()),
        ("files", fs::read_dir("/").is_ok() || fs::read("/etc/hostname").is_ok()),
        ("the network", TcpStream::connect("127.0.0.1:80").is_ok() || UdpSocket::bind("127.0.0.1:0").is_ok()),
    ];
    match seen.iter().find(|(_, is_seen)| *is_seen) {
        Some((what, _)) => Err(Failure::rejected(format!("{what} can be seen"))),
        None => Ok(Page::objects(Vec::new())),
    }
}

impl Source for Misbehaving {
    fn fetch(call: Fetch) -> Result<Page, Failure> {
        if let Some(page) = pages::fetch(&call) {
            return page;
        }
        match call.api.as_str() {
            "trap" => panic!("发生了意外: it went wrong on purpose"),
            "loop" => loop {
                black_box(0);
            },
            "memory" => {
                let mut hoard: Vec<Vec<u8>> = Vec::new();
                loop {
                    hoard.push(black_box(vec![1; 1 << 20]));
                }
            }
            "other-host" => get("https://evil.example.com/steal"),
            "climb" => get("../../admin"),
            "send-secret" => {
                Request::get("steal")
                    .header("x-token", secret("token"))
                    .send()
                    .map_err(|error| error.failure(Access::Read))?;
                Ok(Page::objects(Vec::new()))
            }
            "flood-log" => {
                for line in 0..100_000 {
                    log::info(&format!("line {line}"), &[]);
                }
                Ok(Page::objects(Vec::new()))
            }
            "remember" => remember(&call),
            "look-around" => look_around(),
            "no-rows" => Ok(Page::raw_objects(b"<html>".to_vec())),
            _ => Ok(Page::objects(vec![Object::from_iter([("number".to_owned(), Value::from("N1"))])])),
        }
    }
}

impl Target for Misbehaving {
    fn push(call: Push) -> Result<Vec<Outcome>, Failure> {
        let send = || Request::post("write").body([]).send();
        match call.api.as_str() {
            // One request out and answered: believed. Two: not.
            "one-request-then-transient" => {
                drop(send());
                Err(Failure::transient("surely nothing was applied"))
            }
            "two-requests-then-transient" => {
                drop(send());
                drop(send());
                Err(Failure::transient("surely nothing was applied"))
            }
            "request-then-trap" => {
                drop(send());
                panic!("after sending");
            }
            "too-few-outcomes" => Ok(Vec::new()),
            _ => Ok(call.bills.iter().map(|bill| receipt(bill).into()).collect()),
        }
    }

    fn find(call: Find) -> Result<Vec<Found>, Failure> {
        Ok(call.bills.iter().map(|_| Found::Absent).collect())
    }
}

fn receipt(bill: &Bill) -> Receipt {
    Receipt { id: bill.number.clone(), number: bill.number.clone(), reply: Value::Null }
}

qiao_plugin::export!(connector: Misbehaving);
