//! What a client wants to hear: names of events, objects, a record, a filter; and channels, in which clients hear each other.
//! Checked and compiled when it is made, so that a broken one is refused where it was written.

use objectos_plugin_api::protocol::api::EventSubscription;
use serde_json::{Map, Value};

use crate::{
    error::{RealtimeError, Result},
    filter::Filter,
    news::News,
    pattern::{Pattern, wanted_names},
};

const EVENTS_MAX: usize = 50;
const OBJECTS_MAX: usize = 100;
const CHANNELS_MAX: usize = 50;
const CHARS_MAX: usize = 200;
/// What `POST /subscribe` means without `events`.
const RECORDS: &str = "data.record.*";

/// A channel or document, under the one name that it has here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Channel {
    /// As it is known here; `object:id` for a record's.
    pub(crate) name: String,
    /// Object and id, where it is about a record.
    pub(crate) record: Option<(String, String)>,
}

/// A client's standing wish.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) events: Vec<Pattern>,
    /// Only of these objects; absent is all, and what is of none.
    pub(crate) objects: Option<Vec<String>>,
    /// Only of this record.
    pub(crate) record: Option<String>,
    pub(crate) filter: Option<Filter>,
    pub(crate) channels: Vec<Channel>,
}

impl Subscription {
    /// Of a frame. `channels` are those of it, looked up.
    ///
    /// # Errors
    /// `Invalid` for patterns, filters and sizes.
    pub(crate) fn of_frame(wish: &EventSubscription, channels: Vec<Channel>) -> Result<Self> {
        let objects = wish.objects.clone();
        if objects.as_ref().is_some_and(|objects| objects.len() > OBJECTS_MAX) {
            return Err(RealtimeError::invalid(format!("objects names at most {OBJECTS_MAX}")));
        }
        let filter = wish.filters.as_ref().map(Filter::compile).transpose()?;
        Ok(Self {
            id: wish.subscription_id.clone(),
            events: patterns(&wish.events)?,
            objects,
            record: None,
            filter,
            channels,
        })
    }

    /// Of `POST /subscribe`: a channel that is an object or a record narrows the events to it.
    ///
    /// # Errors
    /// `Invalid` for patterns and filters.
    pub(crate) fn of_channel(
        id: String,
        (channel, is_object): (Channel, bool),
        events: Option<&[String]>,
        filter: Option<&Map<String, Value>>,
    ) -> Result<Self> {
        let (objects, record) = match &channel.record {
            Some((object, record)) => (Some(vec![object.clone()]), Some(record.clone())),
            None if is_object => (Some(vec![channel.name.clone()]), None),
            None => (None, None),
        };
        let events = match events {
            Some(events) => patterns(events)?,
            None if objects.is_some() => vec![Pattern::parse(RECORDS)?],
            None => Vec::new(),
        };
        Ok(Self {
            id,
            events,
            objects,
            record,
            filter: filter.map(Filter::of_map).transpose()?,
            channels: vec![channel],
        })
    }

    /// The names under which it wants an event, as far as that can be told before anything is read; the filter is for later.
    pub(crate) fn wants(&self, news: &News) -> Vec<String> {
        let object = match &self.objects {
            None => true,
            Some(objects) => news
                .object()
                .is_some_and(|object| objects.iter().any(|wanted| wanted == object)),
        };
        let record = self
            .record
            .as_deref()
            .is_none_or(|record| news.record() == Some(record));
        if object && record {
            wanted_names(&self.events, &news.name)
        } else {
            Vec::new()
        }
    }

    /// How many regular expressions its filter has.
    pub(crate) fn regexes(&self) -> usize {
        self.filter.as_ref().map_or(0, Filter::regexes)
    }

    /// Whether it is in a channel.
    pub(crate) fn hears(&self, channel: &str) -> bool {
        self.channels.iter().any(|known| known.name == channel)
    }
}

/// Holds names of channels to what they may be.
///
/// # Errors
/// `Invalid` for too many, too long or empty ones.
pub(crate) fn check_channels(channels: &[String]) -> Result<()> {
    if channels.len() > CHANNELS_MAX {
        return Err(RealtimeError::invalid(format!("channels names at most {CHANNELS_MAX}")));
    }
    channels.iter().try_for_each(|channel| check_channel(channel))
}

/// The same for one.
///
/// # Errors
/// `Invalid` for a long or an empty one.
pub(crate) fn check_channel(channel: &str) -> Result<()> {
    if channel.is_empty() || channel.len() > CHARS_MAX {
        return Err(RealtimeError::invalid(format!(
            "a channel or document has a name of 1 to {CHARS_MAX} bytes"
        )));
    }
    Ok(())
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>> {
    if texts.len() > EVENTS_MAX {
        return Err(RealtimeError::invalid(format!(
            "events names at most {EVENTS_MAX} patterns"
        )));
    }
    texts.iter().map(|text| Pattern::parse(text)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::news::tests::event;

    fn channel(name: &str) -> Channel {
        Channel {
            name: name.to_owned(),
            record: name
                .split_once(':')
                .map(|(object, id)| (object.to_owned(), id.to_owned())),
        }
    }

    fn news(object: &str, record: &str) -> News {
        let payload = json!({"type": "data.record.created", "object": object, "recordId": record, "timestamp": ""});
        News::of_event(&event("data.record.created", payload), 1)
    }

    #[test]
    fn objects_narrow() {
        let id = "9b2c1a52-6d1f-4a43-9a3e-0b0f6f3d9d10";
        for (wish, object, expected) in [
            (json!({"events": ["*"]}), "deal", true),
            (json!({"events": ["*"], "objects": ["deal"]}), "deal", true),
            (json!({"events": ["*"], "objects": ["lead"]}), "deal", false),
            (json!({"events": ["*"], "objects": []}), "deal", false),
            (json!({"events": ["data.record.deleted"]}), "deal", false),
        ] {
            let mut wish = wish;
            wish["subscriptionId"] = json!(id);
            let wish: EventSubscription = serde_json::from_value(wish).unwrap();
            let subscription = Subscription::of_frame(&wish, Vec::new()).unwrap();
            assert_eq!(!subscription.wants(&news(object, "1")).is_empty(), expected, "{wish:?}");
        }
    }

    #[test]
    fn a_channel_narrows_to_what_it_is_about() {
        for (name, is_object, object, record, expected) in [
            ("deal:1", false, "deal", "1", true),
            ("deal:1", false, "deal", "2", false),
            ("deal", true, "deal", "2", true),
            ("deal", true, "lead", "2", false),
            // A room of its own hears nothing of records unless it asks.
            ("lobby", false, "deal", "1", false),
        ] {
            let made = Subscription::of_channel("s".to_owned(), (channel(name), is_object), None, None).unwrap();
            assert_eq!(
                !made.wants(&news(object, record)).is_empty(),
                expected,
                "{name} {object} {record}"
            );
            assert!(made.hears(name) && !made.hears("other"));
        }
    }

    #[test]
    fn sizes_have_limits() {
        let long = "c".repeat(CHARS_MAX + 1);
        assert!(check_channel("").is_err() && check_channel(&long).is_err() && check_channel("a").is_ok());
        let many = |text: &str, count: usize| std::iter::repeat_n(text.to_owned(), count).collect::<Vec<_>>();
        assert!(
            check_channels(&many("a", CHANNELS_MAX + 1)).is_err() && check_channels(&many("a", CHANNELS_MAX)).is_ok()
        );
        assert!(patterns(&many("*", EVENTS_MAX + 1)).is_err() && patterns(&many("*", EVENTS_MAX)).is_ok());
    }
}
