//! Queries of what is both a list and a stream.

/// Queries of a list and of its stream: what they filter by is written down once, and where each goes on is its own.
macro_rules! list_and_stream {
    (
        $(#[$of_list:meta])* list $list:ident {
            $($(#[$of_cursor:meta])* $cursor:ident: $value:ident,)*
        }
        $(#[$of_stream:meta])* stream $stream:ident {
            $($(#[$of_place:meta])* $place:ident: $number:ident,)*
        }
        filters {
            $($(#[$of_filter:meta])* $filter:ident: $text:ident,)*
        }
    ) => {
        $(#[$of_list])*
        #[derive(Debug, Default, Deserialize, IntoParams)]
        #[into_params(parameter_in = Query)]
        #[serde(deny_unknown_fields)]
        pub struct $list {
            $($(#[$of_filter])* pub $filter: Option<$text>,)*
            $($(#[$of_cursor])* pub $cursor: Option<$value>,)*
        }

        $(#[$of_stream])*
        #[derive(Debug, Default, Deserialize, IntoParams)]
        #[into_params(parameter_in = Query)]
        #[serde(deny_unknown_fields)]
        pub struct $stream {
            $($(#[$of_filter])* pub $filter: Option<$text>,)*
            $($(#[$of_place])* pub $place: Option<$number>,)*
        }

        impl From<$stream> for $list {
            fn from(query: $stream) -> Self {
                Self {
                    $($filter: query.$filter,)*
                    $($place: query.$place,)*
                    ..Self::default()
                }
            }
        }
    };
}

pub(super) use list_and_stream;
