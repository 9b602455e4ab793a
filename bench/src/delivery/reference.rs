//! The same work as a program of its own: hyper, serde, and nothing that would be there after a crash.
//!
//! It reads all pages, puts the lines of an order together, maps the same fields and pushes as many orders side by side over
//! connections that stay open.

use std::collections::HashMap;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};

/// How the reference works.
#[derive(Args)]
pub(crate) struct Reference {
    /// Where the fixture is.
    #[arg(long)]
    pub(super) port: u16,
    /// Rows of a page.
    #[arg(long)]
    pub(super) page_size: usize,
    /// Pushes side by side.
    #[arg(long)]
    pub(super) concurrency: usize,
}

/// A row, in the order of the query's columns.
#[derive(Deserialize)]
struct Line {
    entry_id: u64,
    bill_no: String,
    _status: String,
    _organisation: String,
    date: String,
    _modified: String,
    customer: String,
    salesman: String,
    currency: String,
    note: String,
    material: String,
    material_name: String,
    product_id: u64,
    sku_id: u64,
    quantity: Number,
    price: Number,
}

#[derive(Serialize)]
struct Order<'l> {
    #[serde(rename = "order_no")]
    number: &'l str,
    name: String,
    account_date: &'l str,
    currency: &'l str,
    remark: &'l str,
    customer_no: &'l str,
    salesman_no: &'l str,
    product_list: Vec<Product<'l>>,
}

#[derive(Serialize)]
struct Product<'l> {
    #[serde(rename = "product_id")]
    id: u64,
    sku_id: u64,
    #[serde(rename = "product_no")]
    number: &'l str,
    #[serde(rename = "product_name")]
    name: &'l str,
    count: &'l Number,
    unit_price: &'l Number,
    cost_amount: Number,
}

#[derive(Deserialize)]
struct Pushed {
    code: u32,
    message: String,
    data: PushedOrder,
}

#[derive(Deserialize)]
struct PushedOrder {
    order_id: u64,
}

/// The vendors.
struct Vendors {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    bearer: String,
}

pub(crate) async fn run(reference: &Reference) -> anyhow::Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let base = format!("http://127.0.0.1:{}", reference.port);
    let mut vendors = Vendors { client, base, bearer: String::new() };
    vendors.sign_in().await?;
    let orders = vendors.orders(reference.page_size).await?;
    stream::iter(&orders)
        .map(|lines| vendors.push(lines))
        .buffer_unordered(reference.concurrency)
        .try_for_each(|_order_id| async { Ok(()) })
        .await
}

impl Vendors {
    async fn post(&self, path: &str, body: Vec<u8>) -> anyhow::Result<Bytes> {
        let request = Request::post(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, &self.bearer)
            .body(Full::new(Bytes::from(body)))?;
        let response = self.client.request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "{path} answers {status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    async fn sign_in(&mut self) -> anyhow::Result<()> {
        let answer: Value = serde_json::from_slice(&self.post("/okki/v1/oauth2/access_token", Vec::new()).await?)?;
        let token = answer.get("access_token").and_then(Value::as_str).context("no token")?;
        self.bearer = format!("Bearer {token}");
        Ok(())
    }

    /// All orders, each with its lines.
    async fn orders(&self, page_size: usize) -> anyhow::Result<Vec<Vec<Line>>> {
        let mut orders: Vec<Vec<Line>> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut after = 0;
        loop {
            let query = json!({ "data": {
                "FormId": "SAL_SaleOrder",
                "FilterString": format!("FSaleOrderEntry_FEntryID > {after}"),
                "OrderString": "FSaleOrderEntry_FEntryID ASC",
                "Limit": page_size,
            }});
            let path = "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc";
            let page: Vec<Line> = serde_json::from_slice(&self.post(path, query.to_string().into_bytes()).await?)?;
            let is_last = page.len() < page_size;
            after = page.last().map_or(after, |line| line.entry_id);
            for line in page {
                let place = *places.entry(line.bill_no.clone()).or_insert_with(|| {
                    orders.push(Vec::new());
                    orders.len() - 1
                });
                if let Some(order) = orders.get_mut(place) {
                    order.push(line);
                }
            }
            if is_last {
                return Ok(orders);
            }
        }
    }

    async fn push(&self, lines: &[Line]) -> anyhow::Result<u64> {
        let answer = self.post("/okki/v1/invoices/order/push", serde_json::to_vec(&order(lines)?)?).await?;
        let pushed: Pushed = serde_json::from_slice(&answer)?;
        ensure!(pushed.code == 200, "not pushed: {}", pushed.message);
        Ok(pushed.data.order_id)
    }
}

fn order(lines: &[Line]) -> anyhow::Result<Order<'_>> {
    let head = lines.first().context("an order without lines")?;
    Ok(Order {
        number: &head.bill_no,
        name: format!("金蝶销售订单 {}", head.bill_no),
        account_date: head.date.split_once('T').map_or(&*head.date, |(day, _)| day),
        currency: &head.currency,
        remark: &head.note,
        customer_no: &head.customer,
        salesman_no: &head.salesman,
        product_list: lines.iter().map(product).collect::<anyhow::Result<_>>()?,
    })
}

fn product(line: &Line) -> anyhow::Result<Product<'_>> {
    let decimal = |number: &Number| Decimal::from_str_exact(number.as_str());
    let amount = decimal(&line.quantity)? * decimal(&line.price)?;
    let amount = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    Ok(Product {
        id: line.product_id,
        sku_id: line.sku_id,
        number: &line.material,
        name: &line.material_name,
        count: &line.quantity,
        unit_price: &line.price,
        cost_amount: format!("{amount:.2}").parse()?,
    })
}
