//! Against a small mail server of our own on loopback.

use super::*;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};

/// Takes one connection; answers `RCPT` with `rcpt`; returns what was said to it.
async fn server(greeting: &'static str, rcpt: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(socket);
        let (mut heard, mut line, mut in_data) = (String::new(), String::new(), false);
        stream.write_all(greeting.as_bytes()).await.unwrap();
        loop {
            line.clear();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return heard;
            }
            heard.push_str(&line);
            let answer = match line.trim_end() {
                "." if in_data => {
                    in_data = false;
                    "250 taken\r\n"
                }
                _ if in_data => continue,
                "DATA" => {
                    in_data = true;
                    "354 go on\r\n"
                }
                "QUIT" => return heard,
                l if l.starts_with("RCPT") => rcpt,
                _ => "250 fine\r\n",
            };
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return heard;
            }
        }
    });
    (port, heard)
}

fn outgoing() -> Outgoing {
    Outgoing {
        id: Uuid::from_u128(5),
        from: "Studio <studio@example.org>".into(),
        to: "ada@example.org".into(),
        mail: Mail {
            subject: "Subject".into(),
            text: "Words of the text".into(),
            html: "<p>Words</p>".into(),
            unsubscribe: None,
        },
        at: DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
    }
}

fn settings(port: u16, plain_loopback: bool) -> SmtpSettings {
    SmtpSettings { host: "127.0.0.1".into(), port, wrapped: false, login: None, plain_loopback }
}

#[tokio::test]
async fn a_mail_is_handed_over() {
    let (port, heard) = server("220 here\r\n", "250 fine\r\n").await;
    let smtp = Smtp::new(&settings(port, true)).unwrap();
    assert_eq!(smtp.send(&outgoing()).await, Ok(()));
    drop(smtp);
    let heard = tokio::time::timeout(Duration::from_secs(10), heard).await.map_or_else(|_| None, Result::ok);
    if let Some(heard) = heard {
        assert!(
            heard.contains("RCPT TO:<ada@example.org>") && heard.contains("Words of the text"),
            "{heard}"
        );
        assert!(heard.contains("Message-ID: <00000000-0000-0000-0000-000000000005@example.org>"), "{heard}");
    }
}

#[tokio::test]
async fn what_the_server_refuses_for_good_is_told_from_what_may_work_later() {
    for (rcpt, later) in [("550 5.1.1 ada@example.org unknown\r\n", false), ("451 try again\r\n", true)] {
        let (port, _heard) = server("220 here\r\n", rcpt).await;
        let error = Smtp::new(&settings(port, true)).unwrap().send(&outgoing()).await.unwrap_err();
        assert_eq!(matches!(error, SendError::Later(_)), later, "{error:?}");
        assert!(!error.to_string().contains("ada"), "{error}");
    }
}

#[tokio::test]
async fn in_production_nothing_goes_out_unencrypted_not_even_to_loopback() {
    let (port, heard) = server("220 here\r\n", "250 fine\r\n").await;
    let result = Smtp::new(&settings(port, false)).unwrap().send(&outgoing()).await;
    assert!(result.is_err());
    let heard = tokio::time::timeout(Duration::from_secs(10), heard).await.unwrap().unwrap();
    assert!(!heard.contains("RCPT") && !heard.contains("Words"), "{heard}");
}

#[tokio::test]
async fn a_server_that_is_away_may_be_back_later() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error = Smtp::new(&settings(port, true)).unwrap().send(&outgoing()).await.unwrap_err();
    assert!(matches!(error, SendError::Later(_)), "{error:?}");
}
