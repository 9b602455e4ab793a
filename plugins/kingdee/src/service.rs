//! Kingdee's services: their names, their paths, and what metadata calls them.
//!
//! A service is reached under `{base URL}{name}.common.kdsvc` (Kingdee `WebAPI` help). Metadata names it by the last word of its name, in
//! any case; the whole name is taken too, since people copy it from the help.

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Rows of any form, as arrays.
    ExecuteBillQuery,
    /// Rows of any form, as objects; since 2023-09.
    BillQuery,
    /// Saves one bill.
    Save,
    /// Saves bills, each in a transaction of its own.
    BatchSave,
    /// Hands saved bills in for review.
    Submit,
    /// Approves submitted bills.
    Audit,
    /// Opens a session.
    LoginByAppSecret,
}

impl Service {
    /// Those that a scheme can read from.
    pub(crate) const SOURCES: [Self; 2] = [Self::ExecuteBillQuery, Self::BillQuery];
    /// Those that a scheme can write to.
    pub(crate) const TARGETS: [Self; 2] = [Self::Save, Self::BatchSave];

    /// The whole name.
    pub(crate) fn name(self) -> String {
        let stub = match self {
            Self::LoginByAppSecret => "AuthService",
            _ => "DynamicFormService",
        };
        format!("Kingdee.BOS.WebApi.ServicesStub.{stub}.{}", self.word())
    }

    /// The path, relative to the connection's base URL.
    pub(crate) fn path(self) -> String {
        format!("{}.common.kdsvc", self.name())
    }

    /// The last word of the name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::ExecuteBillQuery => "ExecuteBillQuery",
            Self::BillQuery => "BillQuery",
            Self::Save => "Save",
            Self::BatchSave => "BatchSave",
            Self::Submit => "Submit",
            Self::Audit => "Audit",
            Self::LoginByAppSecret => "LoginByAppSecret",
        }
    }

    /// The metadata's `api`, as the published platform writes it.
    pub(crate) fn api(self) -> &'static str {
        match self {
            Self::ExecuteBillQuery => "executeBillQuery",
            Self::BillQuery => "billQuery",
            Self::Save => "save",
            Self::BatchSave => "batchSave",
            other => other.word(),
        }
    }

    /// The one of `among` that metadata calls `api`.
    pub(crate) fn called(api: &str, among: &[Self]) -> Option<Self> {
        let mut among = among.iter().copied();
        among.find(|service| api.eq_ignore_ascii_case(service.word()) || api.eq_ignore_ascii_case(&service.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_names_a_service_by_its_last_word_or_whole_in_any_case() {
        let cases = [
            ("executeBillQuery", Some(Service::ExecuteBillQuery)),
            ("ExecuteBillQuery", Some(Service::ExecuteBillQuery)),
            ("BILLQUERY", Some(Service::BillQuery)),
            ("Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.BillQuery", Some(Service::BillQuery)),
            ("batchSave", None),
            ("BillQuery2", None),
        ];
        for (api, expected) in cases {
            assert_eq!(Service::called(api, &Service::SOURCES), expected, "{api}");
        }
        for api in ["batchSave", "BatchSave", "kingdee.bos.webapi.servicesstub.dynamicformservice.batchsave"] {
            assert_eq!(Service::called(api, &Service::TARGETS), Some(Service::BatchSave));
        }
        assert_eq!(Service::called("Submit", &Service::TARGETS), None);
    }

    #[test]
    fn logging_in_is_another_stub() {
        assert_eq!(
            Service::LoginByAppSecret.path(),
            "Kingdee.BOS.WebApi.ServicesStub.AuthService.LoginByAppSecret.common.kdsvc"
        );
        assert_eq!(Service::Audit.path(), "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.Audit.common.kdsvc");
    }
}
