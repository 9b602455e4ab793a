//! From an author's traits to a component's exports.

use std::marker::PhantomData;

use crate::bindings::{functions, lent, plugin, session, source, stages, target};
use crate::json::{Object, Value, handed_over, to_bytes};
use crate::transforms::{Library, Transforms, from_wit, to_wit};
use crate::{Connection, Connector, Source, Target};

/// Makes the component's exports out of one type. One line, once per plugin:
///
/// ```ignore
/// qiao_plugin::export!(source: Kingdee);        // implements Connector and Source
/// qiao_plugin::export!(target: Warehouse);      // implements Connector and Target
/// qiao_plugin::export!(connector: Okki);        // implements Connector, Source and Target
/// qiao_plugin::export!(transforms: Prices);     // implements Transforms
/// ```
///
/// On any other target than wasm it only checks that the type implements what it must, so that `cargo test` runs natively.
#[macro_export]
macro_rules! export {
    (source: $connector:ty) => {
        $crate::__export!($crate::__private::Connects<$connector>: plugin session source);
    };
    (target: $connector:ty) => {
        $crate::__export!($crate::__private::Connects<$connector>: plugin session target);
    };
    (connector: $connector:ty) => {
        $crate::__export!($crate::__private::Connects<$connector>: plugin session source target);
    };
    (transforms: $transforms:ty) => {
        $crate::__export!($crate::__private::Changes<$transforms>: plugin functions stages);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($exported:ty: $($interface:ident)+) => {
        const _: () = {
            type Exported = $exported;
            $(
                #[cfg(target_family = "wasm")]
                #[allow(unsafe_code, reason = "the component ABI is raw memory")]
                const _: () = {
                    $crate::__private::$interface::export!(
                        Exported with_types_in $crate::__private::$interface
                    );
                };
                #[cfg(not(target_family = "wasm"))]
                const _: () = {
                    const fn implements<T: $crate::__private::$interface::Guest>() {}
                    implements::<Exported>();
                };
            )+
        };
    };
}

/// A connector's exports.
#[derive(Debug)]
pub struct Connects<T>(PhantomData<T>);

impl<T: Connector> plugin::Guest for Connects<T> {
    fn describe() -> plugin::Description {
        T::describe().into()
    }
}

impl<T: Connector> session::Guest for Connects<T> {
    fn sign_in(connection: lent::types::Connection) -> Result<session::SignedIn, lent::types::Failure> {
        let connection = Connection::try_from(connection)?;
        Ok(T::sign_in(&connection)?.into())
    }
}

impl<T: Source> source::Guest for Connects<T> {
    fn fetch(call: source::FetchCall) -> Result<source::Page, lent::types::Failure> {
        Ok(T::fetch(call.try_into()?)?.into())
    }
}

impl<T: Target> target::Guest for Connects<T> {
    fn push(call: target::PushCall) -> Result<Vec<target::Outcome>, lent::types::Failure> {
        let outcomes = T::push(call.try_into()?)?;
        Ok(outcomes.into_iter().map(Into::into).collect())
    }

    fn find(call: target::FindCall) -> Result<Vec<target::Found>, lent::types::Failure> {
        let found = T::find(call.try_into()?)?;
        Ok(found.into_iter().map(Into::into).collect())
    }
}

/// The exports of functions and stages.
#[derive(Debug)]
pub struct Changes<T>(PhantomData<T>);

fn library<'v, T: Transforms>() -> Library<'v> {
    let mut library = Library::default();
    T::list(&mut library);
    library
}

impl<T: Transforms> plugin::Guest for Changes<T> {
    fn describe() -> plugin::Description {
        T::describe().into()
    }
}

impl<T: Transforms> functions::Guest for Changes<T> {
    fn list_functions() -> Vec<functions::Signature> {
        let functions = library::<T>().functions;
        functions
            .into_iter()
            .map(|function| functions::Signature {
                name: function.name.to_owned(),
                summary: function.summary.to_owned(),
                parameters: function
                    .parameters
                    .into_iter()
                    .map(|parameter| functions::Parameter {
                        name: parameter.name.to_owned(),
                        summary: parameter.summary.to_owned(),
                        optional: parameter.optional,
                    })
                    .collect(),
            })
            .collect()
    }

    fn call(
        name: String,
        context: lent::types::Context,
        rows: Vec<Vec<functions::Value>>,
    ) -> Result<Vec<Result<functions::Value, String>>, lent::types::Failure> {
        let rows: Vec<Vec<Value>> = rows.into_iter().map(|row| row.into_iter().map(from_wit).collect()).collect();
        let answers = library::<T>().call(&name, &context.into(), &rows)?;
        Ok(answers.into_iter().map(|answer| answer.map(to_wit)).collect())
    }
}

impl<T: Transforms> stages::Guest for Changes<T> {
    fn list_stages() -> Vec<stages::Stage> {
        let stages = library::<T>().stages;
        stages
            .into_iter()
            .map(|stage| stages::Stage {
                name: stage.name.to_owned(),
                summary: stage.summary.to_owned(),
                config_schema: to_bytes(&(stage.config_schema)()),
            })
            .collect()
    }

    fn process(
        name: String,
        context: lent::types::Context,
        config: Vec<u8>,
        rows: Vec<u8>,
    ) -> Result<stages::Processed, lent::types::Failure> {
        let config: Value = handed_over("config", &config)?;
        let rows: Vec<Object> = handed_over("rows", &rows)?;
        Ok(library::<T>().process(&name, &context.into(), &config, rows)?.into())
    }
}
