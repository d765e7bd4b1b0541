use objectos_plugin_api::{HttpRequest, HttpRequestParts, HttpResponse, SocketMessage};

fn request() -> Vec<u8> {
    HttpRequestParts {
        method: "POST",
        route: "/api/v1/data/{object}",
        path: "/api/v1/data/account",
        query: "top=3",
        parameters: &[("object", "account"), ("leer", "")],
        headers: &[("content-type", "application/json"), ("x-ü", "ß")],
        body: b"{\"a\":\0}",
    }
    .encode()
}

#[test]
fn a_request_comes_out_as_it_went_in() {
    let request = HttpRequest::decode(request()).unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.route(), "/api/v1/data/{object}");
    assert_eq!(request.path(), "/api/v1/data/account");
    assert_eq!(request.query(), "top=3");
    assert_eq!(
        (
            request.parameter("object"),
            request.parameter("leer"),
            request.parameter("none")
        ),
        ("account", "", "")
    );
    assert_eq!(request.header("x-ü"), Some("ß"));
    assert_eq!(request.header("X-Ü"), None);
    assert_eq!(request.headers().count(), 2);
    assert_eq!(request.body(), b"{\"a\":\0}");
    assert_eq!(
        request.json::<serde_json::Value>().unwrap_err().code(),
        "invalid_format"
    );
}

#[test]
fn a_response_comes_out_as_it_went_in() {
    let response = HttpResponse::json_bytes(201, b"{}".to_vec()).with_header("etag", "\"1\"");
    assert_eq!(HttpResponse::decode(&response.encode()).unwrap(), response);
    let frame = response.encode();
    let (status, headers, body) = HttpResponse::decode_head(&frame).unwrap();
    assert_eq!(
        (status, headers[1], &frame[body..]),
        (201, ("etag", "\"1\""), &b"{}"[..])
    );
}

#[test]
fn the_frame_of_a_body_that_streams_has_its_number_and_no_body() {
    let head = HttpResponse::empty(200).with_header("content-type", "text/csv");
    let mut frame = head.encode_streamed(7);
    assert_eq!(HttpResponse::stream_of(&frame), Some(7));
    HttpResponse::set_stream(&mut frame, u64::MAX);
    assert_eq!(HttpResponse::stream_of(&frame), Some(u64::MAX));
    assert_eq!(HttpResponse::decode(&frame).unwrap(), head);
    assert_eq!(HttpResponse::stream_of(&head.encode()), None);
    for length in 0..frame.len() {
        assert!(HttpResponse::decode(&frame[..length]).is_err(), "{length}");
        assert_eq!(
            HttpResponse::stream_of(&frame[..length]).is_some(),
            length >= 11,
            "{length}"
        );
    }
}

#[test]
fn the_frame_of_a_socket_has_its_number_and_is_no_body() {
    let head = HttpResponse::empty(101).with_header("sec-websocket-protocol", "chat");
    let mut frame = head.encode_socket(7);
    assert_eq!(frame[0], 3);
    assert_eq!(HttpResponse::socket_of(&frame), Some(7));
    assert_eq!(HttpResponse::stream_of(&frame), None);
    HttpResponse::set_stream(&mut frame, u64::MAX);
    assert_eq!(HttpResponse::socket_of(&frame), Some(u64::MAX));
    assert_eq!(HttpResponse::decode(&frame).unwrap(), head);
    for other in [head.encode(), head.encode_streamed(7)] {
        assert_eq!(HttpResponse::socket_of(&other), None);
    }
    for length in 0..frame.len() {
        assert!(HttpResponse::decode(&frame[..length]).is_err(), "{length}");
        assert_eq!(
            HttpResponse::socket_of(&frame[..length]).is_some(),
            length >= 11,
            "{length}"
        );
    }
}

#[test]
fn a_message_of_a_socket_comes_out_as_it_went_in() {
    let close = |code, reason: &str| SocketMessage::Close {
        code,
        reason: reason.to_owned(),
    };
    for (message, bytes) in [
        (SocketMessage::Text("ß".to_owned()), &[1, 0xc3, 0x9f][..]),
        (SocketMessage::Text(String::new()), &[1][..]),
        (SocketMessage::Binary(vec![0, 0xff]), &[2, 0, 0xff][..]),
        (SocketMessage::Binary(Vec::new()), &[2][..]),
        (close(1000, ""), &[3, 0xe8, 3][..]),
        (close(4001, "hi"), &[3, 0xa1, 0x0f, b'h', b'i'][..]),
    ] {
        assert_eq!(message.encode(), bytes);
        assert_eq!(SocketMessage::decode(bytes.to_vec()).unwrap(), message);
    }
    let broken: [&[u8]; 7] = [&[], &[0], &[4, 1], &[1, 0xff], &[3], &[3, 0xe8], &[3, 0xe8, 3, 0xff]];
    for broken in broken {
        assert!(SocketMessage::decode(broken.to_vec()).is_err(), "{broken:?}");
    }
}

/// Every prefix and every single changed byte of a frame is read without a panic; a shortened head is an error.
#[test]
fn a_broken_frame_never_panics() {
    let frame = request();
    let body = b"{\"a\":\0}".len();
    for length in 0..frame.len() {
        let read = HttpRequest::decode(frame[..length].to_vec());
        assert_eq!(read.is_ok(), length >= frame.len() - body, "{length}");
    }
    for index in 0..frame.len() {
        for bit in 0..8 {
            let mut changed = frame.clone();
            changed[index] ^= 1 << bit;
            drop(HttpRequest::decode(changed));
        }
    }
    let response = HttpResponse::json_bytes(200, b"{}".to_vec()).encode();
    for index in 0..response.len() {
        let mut changed = response.clone();
        changed[index] ^= 0xff;
        drop(HttpResponse::decode(&changed));
        drop(HttpResponse::decode(&response[..index]));
    }
}
