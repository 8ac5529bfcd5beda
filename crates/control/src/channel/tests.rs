use std::sync::{Arc, Mutex};

use postern_channels::ChannelConfig;
use postern_domain::permission::Permission;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::estate::Estate;

/// Something that takes webhooks, or refuses them while it is told to.
struct Receiver {
    address: std::net::SocketAddr,
    bodies: Arc<Mutex<Vec<serde_json::Value>>>,
    refuses: Arc<std::sync::atomic::AtomicBool>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (bodies, refuses) = (Arc::default(), Arc::default());
        let this = Self { address, bodies, refuses };
        let (bodies, refuses) = (this.bodies.clone(), this.refuses.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut read = Vec::new();
                let mut part = vec![0; 4096];
                while let Ok(length) = stream.read(&mut part).await {
                    read.extend_from_slice(&part[..length]);
                    let text = String::from_utf8_lossy(&read).into_owned();
                    let Some((_, body)) = text.split_once("\r\n\r\n") else { continue };
                    let Ok(body) = serde_json::from_str(body) else { continue };
                    let refuse = refuses.load(std::sync::atomic::Ordering::SeqCst);
                    if !refuse {
                        let bodies: &Mutex<Vec<serde_json::Value>> = &bodies;
                        bodies.lock().unwrap().push(body);
                    }
                    let status = if refuse { "503 Busy" } else { "200 OK" };
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    break;
                }
            }
        });
        this
    }

    fn channel(&self, folder: &std::path::Path, carries: &str) -> Channel {
        let secret = folder.join("hook.key");
        std::fs::write(&secret, "0123456789abcdef\n").unwrap();
        let config = serde_json::json!({
            "name": "on-call", "carries": carries, "kind": "webhook",
            "url": format!("http://{}/hook", self.address), "secret_file": secret,
        });
        let config: ChannelConfig = serde_json::from_value(config).unwrap();
        channels(vec![config]).unwrap().pop().unwrap()
    }

    fn refuse(&self, refuse: bool) {
        self.refuses.store(refuse, std::sync::atomic::Ordering::SeqCst);
    }

    /// The actions of all events that have arrived.
    fn actions(&self) -> Vec<String> {
        let bodies = self.bodies.lock().unwrap();
        let events = bodies.iter().flat_map(|body| body["events"].as_array().unwrap().clone());
        events.map(|told| told["event"]["action"].as_str().unwrap().to_owned()).collect()
    }
}

async fn told(estate: &Estate, channel: &mut Channel) -> Result<(), Error> {
    let mut heard = tokio::time::Instant::now();
    while estate.world.control.tell_channel(channel, &mut heard).await? {}
    Ok(())
}

async fn views(estate: &Estate) -> Vec<ChannelView> {
    let (_, permit) = estate.caller("ada", Permission::StatusRead).await;
    estate.world.control.channel_list(&permit).await.unwrap()
}

#[tokio::test]
async fn a_channel_is_told_what_is_urgent_once_it_has_begun_and_catches_up_after_failures() {
    let estate = Estate::new().await;
    let receiver = Receiver::start().await;
    let mut channel = receiver.channel(estate.world.folder(), "urgent");
    estate.world.control.attach_channels(std::slice::from_ref(&channel));
    told(&estate, &mut channel).await.unwrap();
    assert_eq!(receiver.actions(), [] as [&str; 0], "what was before is not news");

    let (ada, permit) = estate.caller("ada", Permission::ChannelWrite).await;
    estate.world.control.channel_test(&ada, &permit, "on-call").await.unwrap();
    estate.ask("ben", &crate::estate::wish("root@dev-1")).await.unwrap();
    receiver.refuse(true);
    assert!(told(&estate, &mut channel).await.is_err());
    let [view] = views(&estate).await.try_into().unwrap();
    assert!(view.failed_at.is_some() && view.failures == 1 && view.behind > 0);
    assert!(view.failure.unwrap().contains("503"));
    receiver.refuse(false);
    told(&estate, &mut channel).await.unwrap();
    assert_eq!(receiver.actions(), ["channel.test"]);
    let [view] = views(&estate).await.try_into().unwrap();
    assert_eq!((view.behind, view.failed_at, view.failures), (0, None, 0));
    assert!(view.delivered_at.is_some());
    assert!(estate.world.control.channel_test(&ada, &permit, "another").await.is_err());
}

#[tokio::test]
async fn everything_is_told_in_order_and_again_when_somebody_asks() {
    let estate = Estate::new().await;
    let receiver = Receiver::start().await;
    let mut channel = receiver.channel(estate.world.folder(), "everything");
    estate.world.control.attach_channels(std::slice::from_ref(&channel));
    told(&estate, &mut channel).await.unwrap();
    let (ada, permit) = estate.caller("ada", Permission::ChannelWrite).await;
    estate.world.control.channel_replay(&ada, &permit, "on-call", 0).await.unwrap();
    told(&estate, &mut channel).await.unwrap();
    let indexes: Vec<_> = receiver
        .bodies
        .lock()
        .unwrap()
        .iter()
        .flat_map(|body| body["events"].as_array().unwrap().clone())
        .map(|told| told["index"].as_u64().unwrap())
        .collect();
    assert_eq!(indexes, (0..estate.leaves().await).collect::<Vec<_>>());
    let far = estate.world.control.channel_replay(&ada, &permit, "on-call", 1_000_000).await;
    assert!(matches!(far, Err(Error::Invalid { field, .. }) if field == "from"));
}

#[test]
fn two_channels_of_one_name_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "0123456789abcdef").unwrap();
    let config = serde_json::json!({
        "name": "siem", "kind": "webhook", "url": "https://siem.example/x", "secret_file": folder.path().join("key"),
    });
    let config: ChannelConfig = serde_json::from_value(config).unwrap();
    assert!(channels(vec![config.clone(), config]).is_err());
    let unknown = serde_json::json!({ "name": "x", "kind": "syslog", "address": "h:1", "port": 5 });
    assert!(serde_json::from_value::<ChannelConfig>(unknown).is_err());
}
