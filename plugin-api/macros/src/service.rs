//! `#[service]`: one trait becomes the provider's trait, its server and the callers' client.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Attribute, Block, Error, FnArg, Ident, ItemTrait, LitStr, Pat, Result, ReturnType, Token, TraitItem, TraitItemFn,
    Type,
    parse::{Parse, ParseStream},
};

struct Arguments {
    name: LitStr,
    version: LitStr,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut name, mut version) = (None, None);
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let value: LitStr = input.parse()?;
            match key.to_string().as_str() {
                "name" => name = Some(value),
                "version" => version = Some(value),
                _ => {
                    return Err(Error::new(
                        key.span(),
                        "the arguments of #[service] are name and version",
                    ));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        match (name, version) {
            (Some(name), Some(version)) => Ok(Self { name, version }),
            _ => Err(input.error("#[service] needs name = \"…\" and version = \"…\"")),
        }
    }
}

struct Method {
    name: Ident,
    wire_name: String,
    docs: Vec<Attribute>,
    asynchronous: bool,
    raw: bool,
    context: Type,
    request: Option<Type>,
    output: Type,
    /// What a provider that does not write the method answers, with the names it gives to context and request.
    default: Option<(Vec<Pat>, Block)>,
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let Arguments { name, version } = syn::parse2(arguments)?;
    let item: ItemTrait = syn::parse2(item)?;
    let methods = item.items.iter().map(read_method).collect::<Result<Vec<_>>>()?;
    let (visibility, ident, docs) = (&item.vis, &item.ident, &item.attrs);
    let declarations = methods.iter().map(declaration);
    let server = server(&item, &name, &version, &methods);
    let client = client(&item, &name, &version, &methods);
    Ok(quote! {
        #(#docs)*
        #visibility trait #ident: Send + Sync + 'static {
            #(#declarations)*
        }
        #server
        #client
    })
}

fn read_method(item: &TraitItem) -> Result<Method> {
    let TraitItem::Fn(TraitItemFn {
        attrs, sig, default, ..
    }) = item
    else {
        return Err(Error::new_spanned(item, "a service has methods and nothing else"));
    };
    let mut inputs = sig.inputs.iter();
    if !matches!(inputs.next(), Some(FnArg::Receiver(receiver)) if receiver.reference.is_some()) {
        return Err(Error::new_spanned(sig, "a service method takes &self first"));
    }
    let Some(FnArg::Typed(context)) = inputs.next() else {
        return Err(Error::new_spanned(sig, "a service method takes a Context after &self"));
    };
    let mut names = vec![(*context.pat).clone()];
    let request = match inputs.next() {
        Some(FnArg::Typed(request)) => {
            names.push((*request.pat).clone());
            Some((*request.ty).clone())
        }
        _ => None,
    };
    if let Some(extra) = inputs.next() {
        return Err(Error::new_spanned(
            extra,
            "a service method takes one request: make it a struct",
        ));
    }
    let ReturnType::Type(_, output) = &sig.output else {
        return Err(Error::new_spanned(sig, "a service method answers a Result"));
    };
    let raw = attrs.iter().any(|attribute| attribute.path().is_ident("raw"));
    Ok(Method {
        name: sig.ident.clone(),
        wire_name: sig.ident.to_string(),
        docs: attrs
            .iter()
            .filter(|attribute| attribute.path().is_ident("doc"))
            .cloned()
            .collect(),
        asynchronous: sig.asyncness.is_some(),
        raw,
        context: (*context.ty).clone(),
        request,
        output: (**output).clone(),
        default: default.clone().map(|body| (names, body)),
    })
}

fn declaration(method: &Method) -> TokenStream {
    let Method {
        name,
        docs,
        output,
        context,
        ..
    } = method;
    let request = method.request.iter();
    let body = match &method.default {
        None => quote!(;),
        Some((names, body)) => {
            let values = [quote!(context), quote!(request)];
            let named = names
                .iter()
                .zip(&values)
                .map(|(name, value)| quote!(let #name = #value;));
            if method.asynchronous {
                quote!({ async move { #(#named)* #body } })
            } else {
                quote!({ #(#named)* #body })
            }
        }
    };
    let output = if method.asynchronous {
        quote!(impl ::core::future::Future<Output = #output> + Send)
    } else {
        quote!(#output)
    };
    quote! {
        #(#docs)*
        fn #name(&self, context: #context #(, request: #request)*) -> #output #body
    }
}

/// Reads the request before the future is made, so that the payload need not be kept.
fn read_request(method: &Method, wire_service: &LitStr) -> TokenStream {
    let wire = &method.wire_name;
    match &method.request {
        None => quote!(),
        Some(_) if method.raw => quote!(let request = payload.to_vec();),
        Some(request) => {
            quote!(let request: #request = ::objectos_plugin_api::private::decode(#wire_service, #wire, payload)?;)
        }
    }
}

fn write_answer(method: &Method, wire_service: &LitStr) -> TokenStream {
    let wire = &method.wire_name;
    if method.raw {
        quote!(Ok(answer))
    } else {
        quote!(::objectos_plugin_api::private::encode(#wire_service, #wire, &answer))
    }
}

/// How the provider is called.
fn provider_call(method: &Method, await_it: &TokenStream) -> TokenStream {
    let (function, argument) = (&method.name, method.request.as_ref().map(|_| quote!(, request)));
    quote!(service.#function(context #argument)#await_it?)
}

/// What a server does with a method that may wait.
fn asynchronous_arm(method: &Method, service: &LitStr) -> TokenStream {
    let (wire, read, write) = (
        &method.wire_name,
        read_request(method, service),
        write_answer(method, service),
    );
    let await_it = if method.asynchronous { quote!(.await) } else { quote!() };
    let call = provider_call(method, &await_it);
    quote! {
        #wire => {
            #read
            Ok(::std::boxed::Box::pin(async move {
                let answer = #call;
                #write
            }))
        }
    }
}

/// What a server does with a method that answers at once.
fn synchronous_arm(method: &Method, service: &LitStr) -> TokenStream {
    let (wire, read, write) = (
        &method.wire_name,
        read_request(method, service),
        write_answer(method, service),
    );
    let call = provider_call(method, &quote!());
    quote! {
        #wire => {
            #read
            let answer = #call;
            #write
        }
    }
}

/// A server as the kernel sees it.
fn handler(ident: &Ident, server: &Ident, (name, version): (&LitStr, &LitStr), methods: &[Method]) -> TokenStream {
    let specs = methods.iter().map(|method| {
        let (wire, sync, raw) = (&method.wire_name, !method.asynchronous, method.raw);
        quote!(::objectos_plugin_api::MethodSpec { name: #wire, sync: #sync, raw: #raw })
    });
    let synchronous = methods
        .iter()
        .filter(|method| !method.asynchronous)
        .map(|method| synchronous_arm(method, name));
    quote! {
        impl<T: #ident> ::objectos_plugin_api::ServiceHandler for #server<T> {
            fn name(&self) -> &str {
                #name
            }

            fn version(&self) -> &str {
                #version
            }

            fn methods(&self) -> ::std::vec::Vec<::objectos_plugin_api::MethodSpec> {
                ::std::vec![#(#specs),*]
            }

            fn call(
                &self,
                method: &str,
                context: ::objectos_plugin_api::Context,
                payload: &[u8],
            ) -> ::objectos_plugin_api::ServiceFuture {
                match self.begin(method, context, payload) {
                    Ok(future) => future,
                    Err(error) => ::std::boxed::Box::pin(::core::future::ready(Err(error))),
                }
            }

            #[allow(unused_variables, clippy::needless_question_mark)]
            fn call_sync(
                &self,
                method: &str,
                context: ::objectos_plugin_api::Context,
                payload: &[u8],
            ) -> ::objectos_plugin_api::Result<::std::vec::Vec<u8>> {
                let service = &self.0;
                match method {
                    #(#synchronous)*
                    _ => Err(::objectos_plugin_api::private::unknown_method(#name, method)),
                }
            }
        }
    }
}

fn server(item: &ItemTrait, name: &LitStr, version: &LitStr, methods: &[Method]) -> TokenStream {
    let (visibility, ident) = (&item.vis, &item.ident);
    let server = format_ident!("{ident}Server");
    let docs = format!("Offers a [`{ident}`] as the service `{}`.", name.value());
    let asynchronous = methods.iter().map(|method| asynchronous_arm(method, name));
    let handler = handler(ident, &server, (name, version), methods);
    quote! {
        #[doc = #docs]
        #visibility struct #server<T>(::std::sync::Arc<T>);

        impl<T: #ident> #server<T> {
            /// Offers this provider.
            #visibility fn new(provider: ::std::sync::Arc<T>) -> Self {
                Self(provider)
            }

            #[allow(unused_variables, clippy::needless_question_mark)]
            fn begin(
                &self,
                method: &str,
                context: ::objectos_plugin_api::Context,
                payload: &[u8],
            ) -> ::objectos_plugin_api::Result<::objectos_plugin_api::ServiceFuture> {
                let service = ::std::sync::Arc::clone(&self.0);
                match method {
                    #(#asynchronous)*
                    _ => Err(::objectos_plugin_api::private::unknown_method(#name, method)),
                }
            }
        }

        impl<T> ::core::fmt::Debug for #server<T> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(::core::stringify!(#server))
            }
        }

        #handler
    }
}

fn client(item: &ItemTrait, name: &LitStr, version: &LitStr, methods: &[Method]) -> TokenStream {
    let (visibility, ident) = (&item.vis, &item.ident);
    let client = format_ident!("{ident}Client");
    let docs = format!("Calls the service `{}`, whoever provides it.", name.value());
    let major = version.value().split('.').next().unwrap_or("0").to_owned();
    let range = format!("^{major}");
    let functions = methods.iter().map(|method| client_method(visibility, name, method));
    quote! {
        #[doc = #docs]
        #[derive(Clone, Debug)]
        #visibility struct #client(::objectos_plugin_api::ServiceRef);

        impl #client {
            /// Name of the service.
            #visibility const NAME: &'static str = #name;
            /// Version of this declaration.
            #visibility const VERSION: &'static str = #version;

            /// Opens the service in this declaration's major version. It need not be there yet.
            ///
            /// # Errors
            /// `Denied` when the plugin's manifest does not name it in `services.uses`, or the operator does not grant it.
            #visibility fn open(host: &::objectos_plugin_api::Host) -> ::objectos_plugin_api::Result<Self> {
                host.service(#name, #range).map(Self)
            }

            /// What it calls through.
            #[must_use]
            #visibility fn reference(&self) -> &::objectos_plugin_api::ServiceRef {
                &self.0
            }

            /// True while a provider is there.
            #[must_use]
            #visibility fn available(&self) -> bool {
                self.0.available()
            }

            #(#functions)*
        }
    }
}

fn client_method(visibility: &syn::Visibility, service: &LitStr, method: &Method) -> TokenStream {
    let Method {
        name,
        wire_name,
        docs,
        output,
        ..
    } = method;
    let errors = [
        "",
        " # Errors",
        " What the provider answers; `Unavailable` when it is not there.",
    ];
    let function = if method.asynchronous {
        quote!(async fn)
    } else {
        quote!(fn)
    };
    let (call, wait) = if method.asynchronous {
        (quote!(call), quote!(.await))
    } else {
        (quote!(call_sync), quote!())
    };
    let head = quote! { #(#docs)* #(#[doc = #errors])* #visibility #function #name };
    let context = quote!(context: &::objectos_plugin_api::Context);
    if method.raw {
        let request = method.request.as_ref().map(|_| quote!(, request: &[u8]));
        let payload = if method.request.is_some() {
            quote!(request)
        } else {
            quote!(&[])
        };
        return quote! {
            #head(&self, #context #request) -> ::objectos_plugin_api::Result<::objectos_plugin_api::Payload> {
                self.0.#call(context, #wire_name, #payload)#wait
            }
        };
    }
    let request = method.request.as_ref().map(|request| quote!(, request: &#request));
    let payload = if method.request.is_some() {
        quote!(&::objectos_plugin_api::private::encode(#service, #wire_name, request)?)
    } else {
        quote!(&[])
    };
    quote! {
        #head(&self, #context #request) -> #output {
            let answer = self.0.#call(context, #wire_name, #payload)#wait?;
            ::objectos_plugin_api::private::decode_answer(#service, #wire_name, &answer)
        }
    }
}
