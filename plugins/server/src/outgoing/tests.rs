use std::net::IpAddr;

use super::{
    address::Reach,
    target::{AllowList, Target},
};

#[test]
fn addresses_are_judged_in_whatever_form() {
    let check = |address: &str, public: bool| {
        let parsed: IpAddr = address.parse().unwrap();
        assert_eq!(Reach::Public.includes(parsed), public, "{address}");
    };
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "172.15.0.1",
        "172.32.0.1",
        "192.169.0.1",
        "2606:4700::1",
        "64:ff9b::1.1.1.1",
    ] {
        check(address, true);
    }
    let refused = [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.127.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "fe80::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "fec0::1",
        "2001:db8::1",
        "2001::1",
        "2001:10::1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "100::1",
        "3fff::1",
    ];
    for address in refused {
        check(address, false);
    }
}

#[test]
fn development_adds_this_machine_and_the_operator_adds_the_rest() {
    let check = |reach: Reach, address: &str, expected: bool| {
        assert_eq!(
            reach.includes(address.parse().unwrap()),
            expected,
            "{reach:?} {address}"
        );
    };
    check(Reach::PublicAndLoopback, "127.0.0.1", true);
    check(Reach::PublicAndLoopback, "::ffff:127.0.0.1", true);
    check(Reach::PublicAndLoopback, "10.0.0.1", false);
    check(Reach::PublicAndLoopback, "169.254.169.254", false);
    check(Reach::Everything, "10.0.0.1", true);
    check(Reach::Everything, "0.0.0.0", false);
}

#[test]
fn a_url_is_taken_apart() {
    let check = |url: &str, expected: Option<(bool, &str, u16, &str)>| {
        let parsed = Target::parse(url).ok();
        let parts = parsed
            .as_ref()
            .map(|target| (target.secure, target.host.as_str(), target.port, target.path.path()));
        assert_eq!(parts, expected, "{url}");
    };
    check("http://example.com", Some((false, "example.com", 80, "/")));
    check("https://Example.COM./a?b=c", Some((true, "example.com", 443, "/a")));
    check("https://example.com:8443/a", Some((true, "example.com", 8443, "/a")));
    check("http://[::1]:81/", Some((false, "[::1]", 81, "/")));
    check("http://[::1]/", Some((false, "[::1]", 80, "/")));
    check("ftp://example.com/", None);
    check("/only/a/path", None);
    check("example.com", None);
    check("http://user:secret@example.com/", None);
    check("http://example.com:99999/", None);
    check("http://exa mple.com/", None);
    check("", None);
}

#[test]
fn the_list_names_hosts_and_ports() {
    let check = |list: &[&str], url: &str, expected: bool| {
        let list: Vec<String> = list.iter().map(|entry| (*entry).to_owned()).collect();
        let allowed = AllowList::parse(&list).unwrap().contains(&Target::parse(url).unwrap());
        assert_eq!(allowed, expected, "{list:?} {url}");
    };
    check(&["*"], "https://anything.example/", true);
    check(&[], "https://anything.example/", false);
    check(&["api.example.com"], "https://api.example.com/", true);
    check(&["API.example.com"], "https://api.example.com/", true);
    check(&["api.example.com"], "https://evil-api.example.com/", false);
    check(&["api.example.com"], "https://api.example.com.evil.example/", false);
    check(&["*.example.com"], "https://a.b.example.com/", true);
    check(&["*.example.com"], "https://example.com/", false);
    check(&["*.example.com"], "https://evilexample.com/", false);
    check(&["api.example.com:8443"], "https://api.example.com:8443/", true);
    check(&["api.example.com:8443"], "https://api.example.com/", false);
    check(&["api.example.com:443"], "https://api.example.com/", true);
    check(&["[::1]:80"], "http://[::1]/", true);
    check(&["*:443"], "http://example.com/", false);
}

#[test]
fn an_entry_that_is_no_host_is_refused() {
    let check = |entry: &str| assert!(AllowList::parse(&[entry.to_owned()]).is_err(), "{entry}");
    check("");
    check("https://example.com");
    check("example.com/path");
    check("example.com:port");
    check("a*b.example.com");
    check("::1");
}
