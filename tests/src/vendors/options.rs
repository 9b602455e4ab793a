//! How the vendors are set up, and what lets a caller in.

use std::path::PathBuf;

use crate::clock::Clock;
use crate::dataset::Dataset;
use crate::kingdee::signature::mint_app_id;
use crate::okki::OrderNoReading;

/// What a caller needs to be let in by the vendors. None of it is anybody's real key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// Kingdee: the data centre.
    pub acct_id: String,
    /// Kingdee: the integration user.
    pub user: String,
    /// Kingdee: the application.
    pub app_id: String,
    /// Kingdee: its secret.
    pub app_secret: String,
    /// Kingdee: the user's password, for a login with it.
    pub password: String,
    /// OKKI: the client.
    pub client_id: String,
    /// OKKI: its secret.
    pub client_secret: String,
    /// Wangdiantong: the seller.
    pub sid: String,
    /// Wangdiantong: the application, by both ways in.
    pub wdt_app_key: String,
    /// Wangdiantong: its secret.
    pub wdt_app_secret: String,
    /// Wangdiantong: the enterprise edition's application at the router.
    pub target_app_key: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            acct_id: "67f63bfb8a7c61".to_owned(),
            user: "demo".to_owned(),
            app_id: mint_app_id("288416", b"simulated-client-secret!"),
            app_secret: "simulated-app-secret".to_owned(),
            password: "simulated-password".to_owned(),
            client_id: "okki-demo-client".to_owned(),
            client_secret: "simulated-okki-secret".to_owned(),
            sid: "qiaotong2".to_owned(),
            wdt_app_key: "21000001".to_owned(),
            wdt_app_secret: "simulated-wdt-secret".to_owned(),
            target_app_key: "21363512".to_owned(),
        }
    }
}

/// How the vendors are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VendorsOptions {
    /// The books they begin with.
    pub dataset: Dataset,
    /// Where they keep what happens; nowhere if absent. What is already there is replayed over the dataset, which must be the same.
    pub data_dir: Option<PathBuf>,
    /// What a push with a known `order_no` does.
    pub okki_reading: OrderNoReading,
    /// How long a token lives, in seconds.
    pub okki_token_seconds: u32,
    /// The most rows that one query gives: 10000 in the current help, 2000 in the older.
    pub kingdee_cap: usize,
    /// The port to try first; otherwise the one of last time if there is a data folder, otherwise a free one.
    pub kingdee_port: Option<u16>,
    /// The port to try first; otherwise the one of last time if there is a data folder, otherwise a free one.
    pub okki_port: Option<u16>,
    /// The port to try first; otherwise the one of last time if there is a data folder, otherwise a free one.
    pub wdt_port: Option<u16>,
    /// The vendors' time.
    pub clock: Clock,
}

impl VendorsOptions {
    /// In memory, on free ports, with eight-hour tokens and 2000 rows a query.
    pub fn new(dataset: Dataset) -> Self {
        Self {
            dataset,
            data_dir: None,
            okki_reading: OrderNoReading::default(),
            okki_token_seconds: 28_800,
            kingdee_cap: 2_000,
            kingdee_port: None,
            okki_port: None,
            wdt_port: None,
            clock: Clock::system(),
        }
    }

    /// The same, keeping what happens in `dir`.
    #[must_use]
    pub fn in_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(dir.into());
        self
    }

    /// The same, with this reading of a known `order_no`.
    #[must_use]
    pub fn reading(mut self, reading: OrderNoReading) -> Self {
        self.okki_reading = reading;
        self
    }
}
