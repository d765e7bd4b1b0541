//! `#[plugin]`: reads and checks the manifest at compile time, embeds it, and exports the library's one symbol.

use objectos_protocol::kernel::plugin_document::PluginDocument;
use proc_macro2::TokenStream;
use quote::quote;
use std::path::{Path, PathBuf};
use syn::{
    Error, ItemImpl, LitStr, Result, Token,
    parse::{Parse, ParseStream},
};

use crate::metadata;

/// What `PluginModule`'s loader must be called, so that a host finds it.
const LOADER_SYMBOL: &str = "_1as_0lib_1header_0root_bmodule_bloader";

struct Arguments {
    manifest: String,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.is_empty() {
            return Ok(Self {
                manifest: "plugin.json".to_owned(),
            });
        }
        let name: syn::Ident = input.parse()?;
        if name != "manifest" {
            return Err(Error::new(
                name.span(),
                "the one argument of #[plugin] is manifest = \"path\"",
            ));
        }
        input.parse::<Token![=]>()?;
        Ok(Self {
            manifest: input.parse::<LitStr>()?.value(),
        })
    }
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let arguments: Arguments = syn::parse2(arguments)?;
    let item: ItemImpl = syn::parse2(item)?;
    let plugin = &item.self_ty;
    let path = manifest_path(&arguments.manifest)?;
    let mut document = read_manifest(&path)?;
    let sources = metadata::embed(&path, &mut document)?;
    let (head, path) = (document_head(&document)?, path.to_string_lossy().into_owned());
    let symbol = syn::Ident::new(LOADER_SYMBOL, proc_macro2::Span::call_site());
    Ok(quote! {
        #item

        const _: () = {
            use ::objectos_plugin_api::{abi, export, private};

            // Makes cargo build again when the manifest or a file of metadata changes.
            const _: &[u8] = ::core::include_bytes!(#path);
            #(const _: &[u8] = ::core::include_bytes!(#sources);)*

            const HEAD: &str = #head;
            const LENGTH: usize = HEAD.len() + private::BUILD_FACTS.len() + 1;
            #[used]
            #[unsafe(link_section = ".objectos.manifest")]
            static MANIFEST: [u8; LENGTH] = private::concat::<LENGTH>(&[HEAD, private::BUILD_FACTS, "}"]);

            extern "C" fn create(
                host: abi::RawHostObject,
            ) -> private::RResult<abi::RawPluginObject, abi::RawError> {
                export::create::<#plugin>(host)
            }

            fn module() -> abi::PluginModuleRef {
                private::PrefixTypeTrait::leak_into_prefix(abi::PluginModule {
                    unwinds: ::core::cfg!(panic = "unwind"),
                    api_version: private::RStr::from_str(abi::API_VERSION),
                    create,
                })
            }

            extern "C" fn erased_module() -> private::RootModuleResult {
                private::__call_root_module_loader(module)
            }

            #[unsafe(no_mangle)]
            static #symbol: private::LibHeader = {
                // SAFETY: `erased_module` answers a `PluginModuleRef`, the type named here.
                unsafe {
                    private::LibHeader::from_constructor::<abi::PluginModuleRef>(
                        erased_module,
                        private::CheckTypeLayout::Yes,
                    )
                }
            };
        };
    })
}

pub(crate) fn call_error(message: impl std::fmt::Display) -> Error {
    Error::new(proc_macro2::Span::call_site(), message)
}

fn manifest_path(relative: &str) -> Result<PathBuf> {
    let root = std::env::var_os("CARGO_MANIFEST_DIR")
        .ok_or_else(|| call_error("CARGO_MANIFEST_DIR is not set: #[plugin] must be compiled by cargo"))?;
    Ok(Path::new(&root).join(relative))
}

fn read_manifest(path: &Path) -> Result<serde_json::Value> {
    let shown = path.file_name().unwrap_or_default().to_string_lossy();
    let text = std::fs::read(path).map_err(|error| {
        call_error(format_args!(
            "{shown} cannot be read: {error}; #[plugin] looks for it beside Cargo.toml"
        ))
    })?;
    let document = PluginDocument::parse(&text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
        call_error(format_args!(
            "{shown} is not a plugin's manifest:\n{}",
            lines.join("\n")
        ))
    })?;
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    if document.manifest.version != version {
        return Err(call_error(format_args!(
            "{shown} says version {}, Cargo.toml says {version}: make them equal",
            document.manifest.version
        )));
    }
    serde_json::from_slice(&text).map_err(call_error)
}

/// The document without its last brace, ready for the build facts.
fn document_head(document: &serde_json::Value) -> Result<String> {
    let serde_json::Value::Object(mut document) = document.clone() else {
        return Err(call_error("the manifest must be a JSON object"));
    };
    document.remove("build");
    let mut text = serde_json::Value::Object(document).to_string();
    text.pop();
    text.push_str(",\"build\":");
    Ok(text)
}
