//! The forms that can be written, and their fields: what a `Model` may hold, what must be there, and what each is called.
//!
//! A form is a table, so that another one is only another table. What a model holds beyond its form's fields is passed over in silence,
//! as the vendor does. (Kingdee `WebAPI` help, save interface of `SAL_RETURNSTOCK`.)

/// What a reference refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Organization,
    Customer,
    Salesman,
    Material,
    Currency,
    /// One of a fixed list of numbers, with their names.
    Fixed(&'static [(&'static str, &'static str)]),
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Date,
    Number,
    Flag,
    Base(Base),
}

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) key: &'static str,
    /// What messages call it.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) is_required: bool,
    /// What a new bill has where the model says nothing.
    pub(crate) default: Option<&'static str>,
}

/// A form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// What generated numbers begin with.
    pub(crate) prefix: &'static str,
    /// Objects of the model whose members are fields of the head.
    pub(crate) sub_heads: &'static [&'static str],
    pub(crate) head: &'static [Spec],
    /// The array of the model that holds the entries.
    pub(crate) entity: &'static str,
    pub(crate) entry: &'static [Spec],
    /// The entry's quantity, which must be above zero, and its price.
    pub(crate) quantity: &'static str,
    pub(crate) price: &'static str,
}

impl Schema {
    pub(crate) fn of_id(form_id: &str) -> Option<&'static Self> {
        form_id.eq_ignore_ascii_case(RETURN_STOCK.id).then_some(&RETURN_STOCK)
    }

    pub(crate) fn head_field(&self, key: &str) -> Option<&'static Spec> {
        self.head.iter().find(|spec| spec.key.eq_ignore_ascii_case(key))
    }

    pub(crate) fn entry_field(&self, key: &str) -> Option<&'static Spec> {
        self.entry.iter().find(|spec| spec.key.eq_ignore_ascii_case(key))
    }
}

const fn field(key: &'static str, name: &'static str, kind: Kind) -> Spec {
    Spec { key, name, kind, is_required: false, default: None }
}

const fn required(key: &'static str, name: &'static str, kind: Kind) -> Spec {
    Spec { key, name, kind, is_required: true, default: None }
}

const fn defaulted(key: &'static str, name: &'static str, kind: Kind, default: &'static str) -> Spec {
    Spec { key, name, kind, is_required: true, default: Some(default) }
}

const BILL_TYPES: Kind =
    Kind::Base(Base::Fixed(&[("XSTHD01_SYS", "标准销售退货单"), ("XSTHD02_SYS", "寄售销售退货单")]));
const RETURN_TYPES: Kind = Kind::Base(Base::Fixed(&[("THLX01_SYS", "退货"), ("THLX02_SYS", "退货补货")]));
const EXCHANGE_TYPES: Kind = Kind::Base(Base::Fixed(&[("HLTX01_SYS", "固定汇率"), ("HLTX02_SYS", "即期汇率")]));
const STOCKS: Kind = Kind::Base(Base::Fixed(&[("CK001", "主仓库"), ("THC", "退货仓"), ("ZTC", "在途仓")]));
const STOCK_STATES: Kind = Kind::Base(Base::Fixed(&[("KCZT01_SYS", "可用"), ("KCZT08_SYS", "不良")]));
const UNITS: Kind = Kind::Base(Base::Fixed(&[("Pcs", "件")]));
const ORGANIZATION: Kind = Kind::Base(Base::Organization);
const CUSTOMER: Kind = Kind::Base(Base::Customer);
const CURRENCY: Kind = Kind::Base(Base::Currency);

/// 销售退货单.
static RETURN_STOCK: Schema = Schema {
    id: "SAL_RETURNSTOCK",
    name: "销售退货单",
    prefix: "XSTHD",
    sub_heads: &["SubHeadEntity"],
    head: &[
        defaulted("FBillTypeID", "单据类型", BILL_TYPES, "XSTHD01_SYS"),
        required("FDate", "日期", Kind::Date),
        required("FSaleOrgId", "销售组织", ORGANIZATION),
        defaulted("FStockOrgId", "库存组织", ORGANIZATION, "100"),
        required("FRetcustId", "退货客户", CUSTOMER),
        field("FReceiveCustId", "收货方", CUSTOMER),
        field("FSettleCustId", "结算方", CUSTOMER),
        field("FPayCustId", "付款方", CUSTOMER),
        field("FSalesManId", "销售员", Kind::Base(Base::Salesman)),
        field("FHeadNote", "备注", Kind::Text),
        defaulted("FSettleCurrId", "结算币别", CURRENCY, "PRE001"),
        field("FSettleOrgId", "结算组织", ORGANIZATION),
        defaulted("FLocalCurrId", "本位币", CURRENCY, "PRE001"),
        field("FExchangeTypeId", "汇率类型", EXCHANGE_TYPES),
        field("FExchangeRate", "汇率", Kind::Number),
    ],
    entity: "FEntity",
    entry: &[
        required("FMaterialId", "物料编码", Kind::Base(Base::Material)),
        defaulted("FUnitID", "库存单位", UNITS, "Pcs"),
        required("FRealQty", "实退数量", Kind::Number),
        field("FTaxPrice", "含税单价", Kind::Number),
        field("FPrice", "单价", Kind::Number),
        field("FEntryTaxRate", "税率%", Kind::Number),
        field("FIsFree", "是否赠品", Kind::Flag),
        defaulted("FReturnType", "退货类型", RETURN_TYPES, "THLX01_SYS"),
        required("FStockId", "仓库", STOCKS),
        defaulted("FStockstatusId", "库存状态", STOCK_STATES, "KCZT01_SYS"),
        field("FOwnerTypeId", "货主类型", Kind::Text),
        field("FOwnerId", "货主", ORGANIZATION),
        field("FDeliveryDate", "退货日期", Kind::Date),
        field("FOrderNo", "订单单号", Kind::Text),
        field("FNote", "备注", Kind::Text),
    ],
    quantity: "FRealQty",
    price: "FTaxPrice",
};
