//! The attributes `#[plugin]` and `#[service]` of `objectos-plugin-api`. They write code that names only items of that crate;
//! authors use them from there.

mod metadata;
mod plugin;
mod service;

use proc_macro::TokenStream;

/// Makes a library a plugin: put it on `impl Plugin for X`.
///
/// Reads `plugin.json` beside `Cargo.toml` (another place: `#[plugin(manifest = "path")]`), checks it, and embeds it in the
/// ELF section `.objectos.manifest`, with the files of the folder `metadata` beside it, so that a host can read it without loading the library. `manifest.version` must equal the
/// crate's version.
#[proc_macro_attribute]
pub fn plugin(arguments: TokenStream, item: TokenStream) -> TokenStream {
    plugin::expand(arguments.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Declares a service: put it on a trait, with `name` and `version`.
///
/// Each method is `async fn` or `fn`, takes `&self`, a `Context` and at most one request, and answers a `Result`. Requests and
/// answers cross as JSON; a method marked `#[raw]` takes `Vec<u8>` and answers `Vec<u8>`. A method with a body may be left out
/// by providers: that is how a service grows without breaking those that are there. Written out of it: the trait for
/// the provider, `…Server` to register it, and `…Client` for callers.
#[proc_macro_attribute]
pub fn service(arguments: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(arguments.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
