//! The signature of a request to an S3 server: AWS Signature Version 4, with the whole body in it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::batch::{hash_of, hexadecimal};
use crate::config::Secret;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "s3";

/// Who signs.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret: Secret,
    pub(super) region: String,
}

/// What is signed.
#[derive(Debug)]
pub(super) struct Unsigned<'a> {
    pub(super) method: &'a str,
    /// Encoded.
    pub(super) path: &'a str,
    /// Encoded, sorted by name.
    pub(super) query: &'a str,
    /// Names in lower case, `host` among them.
    pub(super) headers: Vec<(String, String)>,
    /// SHA-256 of the body, hexadecimal.
    pub(super) body_hash: &'a str,
    /// The second, `20260228T120000Z`.
    pub(super) stamp: &'a str,
}

impl Credentials {
    /// The header `authorization`.
    pub(super) fn authorization(&self, mut request: Unsigned<'_>) -> String {
        request.headers.sort();
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let lines: Vec<String> = request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}:{}\n", value.trim()))
            .collect();
        let canonical = [
            request.method,
            request.path,
            request.query,
            &lines.concat(),
            &names,
            request.body_hash,
        ]
        .join("\n");
        let day = request.stamp.split('T').next().unwrap_or_default();
        let scope = format!("{day}/{}/{SERVICE}/aws4_request", self.region);
        let text = [ALGORITHM, request.stamp, &scope, &hash_of(&canonical)].join("\n");
        let signature = hexadecimal(&keyed(&self.key(day), &text));
        format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.access_key_id
        )
    }

    /// The key of a day.
    fn key(&self, day: &str) -> Vec<u8> {
        let first = format!("AWS4{}", self.secret.0).into_bytes();
        [day, &self.region, SERVICE, "aws4_request"]
            .into_iter()
            .fold(first, |key, text| keyed(&key, text))
    }
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("an HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: &str = "20130524T000000Z";
    const HOST: &str = "examplebucket.s3.amazonaws.com";

    fn sign(method: &str, path: &str, query: &str, more: &[(&str, &str)], body: &str) -> String {
        let credentials = Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
            region: "us-east-1".to_owned(),
        };
        let body_hash = hash_of(body);
        let own = [
            ("host", HOST),
            ("x-amz-date", STAMP),
            ("x-amz-content-sha256", body_hash.as_str()),
        ];
        let headers = own.iter().chain(more);
        credentials.authorization(Unsigned {
            method,
            path,
            query,
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body_hash: &body_hash,
            stamp: STAMP,
        })
    }

    /// The examples that the service's own documentation publishes.
    #[test]
    fn requests_are_signed_as_published() {
        let get = sign("GET", "/test.txt", "", &[("range", "bytes=0-9")], "");
        assert_eq!(
            get,
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let put_headers = [
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ];
        for (authorization, signature) in [
            (
                sign("PUT", "/test%24file.text", "", &put_headers, "Welcome to Amazon S3."),
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            ),
            (
                sign("GET", "/", "lifecycle=", &[], ""),
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            (
                sign("GET", "/", "max-keys=2&prefix=J", &[], ""),
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ] {
            assert!(
                authorization.ends_with(&format!("Signature={signature}")),
                "{authorization}"
            );
        }
    }
}
