//! Many records at once: read page by page, each when the one before was taken, so that memory stays flat however many there
//! are and however slowly somebody reads. The same access plan, filters, order and fields as a list, asked for anew with every
//! page.
//!
//! A page is a list like any other: all of its statements see one state of the database, which is let go of before the page goes
//! out. Nothing is held over a whole export, since what lasts as long as the slowest reader would keep the database from tidying
//! up. Pages follow each other by the values of the order and the id, so a record comes at most once unless what it is ordered by
//! changes meanwhile, and as it was when it was read.
//!
//! Who gets records without a word of it in the trail gets none: the event is stored before the last page goes out, or when
//! the export ends before, with the number of records that went out.

mod format;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context as TaskContext, Waker};
use std::time::Duration;

use objectos_plugin_api::Context;
use objectos_plugin_api::contracts::events::DATA_EXPORT;
use objectos_plugin_api::contracts::permissions::Operation;
use objectos_plugin_api::protocol::data::ApiMethod;
use serde_json::{Map, json};
use tokio::runtime::Handle;

pub use self::format::ExportFormat;
use self::format::PageWriter;
use super::summary::Summary;
use super::{Engine, layout_of};
use crate::error::{DataError, Result};
use crate::query::QueryInput;

/// Records of one page.
const PAGE: u64 = 500;
/// For a page to be read.
const PAGE_LIMIT: Duration = Duration::from_secs(30);

/// What is to be exported, and how it is written.
#[derive(Clone, Debug)]
pub struct ExportWish {
    /// Name of the object.
    pub object: String,
    /// Which records and fields, and in which order.
    pub query: QueryInput,
    /// How they are written.
    pub format: ExportFormat,
    /// A table begins with a line of names.
    pub heading: bool,
}

/// An export that is under way. Dropping it ends it.
pub struct Export {
    engine: Arc<Engine>,
    context: Context,
    walk: Walk,
    /// The first page, read in the beginning.
    ready: Option<Page>,
    /// Records of the pages that were handed out.
    records: u64,
    next_cursor: Option<String>,
    /// Bytes of the pages that were handed out, and as many as may be, when all of them are one answer.
    gathered: Option<(usize, usize)>,
    over: bool,
    told: bool,
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export")
            .field("object", &self.walk.object)
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}

impl Export {
    /// Reads the first page: whatever can be said against the export is said here.
    ///
    /// # Errors
    /// `InvalidQuery` for figures and `distinct`; as [`Engine::find`] otherwise.
    pub async fn begin(engine: &Arc<Engine>, context: &Context, wish: ExportWish) -> Result<Self> {
        let begun = begin(engine, context, wish).await;
        let (walk, page) = engine.told(context, begun).await?;
        Ok(Self {
            engine: Arc::clone(engine),
            context: context.clone(),
            walk,
            ready: Some(page),
            records: 0,
            next_cursor: None,
            gathered: None,
            over: false,
            told: false,
        })
    }

    /// Whether the first page is all there is.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.ready.as_ref().is_some_and(|page| page.last)
    }

    /// The next part of the document; `None` at the end. After an error there is no more.
    ///
    /// # Errors
    /// Those of access, hooks and the store.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if self.over {
            return Ok(None);
        }
        let page = match self.ready.take() {
            Some(page) => page,
            None => {
                let context = self.context.renewed(PAGE_LIMIT);
                let page = self.walk.page(&self.engine, &context).await;
                self.engine.told(&context, page).await?
            }
        };
        if let Some((bytes, max)) = &mut self.gathered {
            *bytes += page.bytes.len();
            if *bytes > *max {
                return Err(DataError::TooMany {
                    what: "bytes of an export with a limit",
                    count: *bytes,
                    max: *max,
                });
            }
        }
        if page.last {
            // Before it is tried: whoever goes away meanwhile does not take it back.
            self.told = true;
            let word = self.word(self.records + page.count, page.next_cursor.is_none(), false);
            if let Err(error) = word.tell().await {
                self.told = false;
                return Err(error);
            }
            self.over = true;
        }
        self.records += page.count;
        self.next_cursor = page.next_cursor;
        Ok(Some(page.bytes))
    }

    /// The whole document, and where the next part begins when a limit left some over. Until it is answered nothing of it
    /// counts.
    ///
    /// # Errors
    /// As [`Export::next`]; `TooMany` beyond `bytes_max`.
    pub async fn whole(mut self, bytes_max: usize) -> Result<(Vec<u8>, Option<String>)> {
        self.gathered = Some((0, bytes_max));
        let mut whole = Vec::new();
        while let Some(part) = self.next().await? {
            if whole.is_empty() {
                whole = part;
            } else {
                whole.extend_from_slice(&part);
            }
        }
        Ok((whole, self.next_cursor.take()))
    }

    fn word(&self, records: u64, complete: bool, broken_off: bool) -> Word {
        Word {
            engine: Arc::clone(&self.engine),
            context: self.context.clone(),
            object: self.walk.object.clone(),
            format: self.walk.writer.format(),
            names: self.walk.writer.names.clone(),
            records,
            complete,
            broken_off,
        }
    }
}

impl Drop for Export {
    /// Tells of what went out before it broke off.
    fn drop(&mut self) {
        if self.told || self.records == 0 || self.gathered.is_some() {
            return;
        }
        let word = self.word(self.records, false, true);
        let mut telling = Box::pin(async move {
            if let Err(error) = word.tell().await {
                tracing::error!(%error, records = word.records, "an export that broke off is not in the trail");
            }
        });
        // The first look hands the event over to the database, which stores it even if the plugin stops now.
        let mut task = TaskContext::from_waker(Waker::noop());
        if telling.as_mut().poll(&mut task).is_pending()
            && let Ok(runtime) = Handle::try_current()
        {
            drop(runtime.spawn(telling));
        }
    }
}

/// Checks the wish and reads the first page.
async fn begin(engine: &Engine, context: &Context, wish: ExportWish) -> Result<(Walk, Page)> {
    let ExportWish {
        object,
        mut query,
        format,
        heading,
    } = wish;
    if query.aggregates() || query.distinct {
        return Err(DataError::InvalidQuery {
            message: "an export has records; figures and distinct values are answers of a query".to_owned(),
        });
    }
    if !query.windows.is_empty() {
        return Err(DataError::InvalidQuery {
            message:
                "an export is read page by page, and 'windowFunctions' look at all records: ask for them in a query"
                    .to_owned(),
        });
    }
    if query.backwards {
        return Err(DataError::InvalidQuery {
            message: "an export goes forwards: give the cursor by itself, or as {\"after\": CURSOR}".to_owned(),
        });
    }
    let names = engine.export_names(context, &object, &query).await?;
    query.count = Some(false);
    let mut walk = Walk {
        left: query.limit,
        page: PAGE.min(u64::from(engine.parts.limits.page_size_max)).max(1),
        object,
        query,
        writer: PageWriter::new(format, names, heading),
    };
    let page = walk.page(engine, context).await?;
    Ok((walk, page))
}

/// Where the export is.
#[derive(Debug)]
struct Walk {
    object: String,
    /// Finds the next page.
    query: QueryInput,
    /// Records that are still wanted; all without a number.
    left: Option<u64>,
    /// Records of a page at most.
    page: u64,
    writer: PageWriter,
}

/// One page, written.
#[derive(Debug)]
struct Page {
    bytes: Vec<u8>,
    count: u64,
    last: bool,
    /// Behind its last record.
    next_cursor: Option<String>,
}

impl Walk {
    async fn page(&mut self, engine: &Engine, context: &Context) -> Result<Page> {
        self.query.limit = Some(self.left.map_or(self.page, |left| left.min(self.page)));
        let found = engine
            .find_checked(context, &self.object, self.query.clone(), Some(ApiMethod::Export))
            .await?;
        self.left = self.left.map(|left| left.saturating_sub(found.count));
        let last = found.next_cursor.is_none() || self.left == Some(0);
        if !last {
            self.query.cursor.clone_from(&found.next_cursor);
            // Only the first page skips.
            self.query.offset = 0;
        }
        Ok(Page {
            bytes: self.writer.page(&found.records, last)?,
            count: found.count,
            last,
            next_cursor: found.next_cursor,
        })
    }
}

/// What the trail is told.
struct Word {
    engine: Arc<Engine>,
    context: Context,
    object: String,
    format: ExportFormat,
    names: Vec<String>,
    records: u64,
    /// No record was left over.
    complete: bool,
    /// It ended in the middle.
    broken_off: bool,
}

impl Word {
    async fn tell(&self) -> Result<()> {
        let mut metadata = Map::from_iter([
            ("format".to_owned(), json!(self.format.name())),
            ("fields".to_owned(), json!(self.names)),
            ("complete".to_owned(), json!(self.complete)),
        ]);
        if self.broken_off {
            metadata.insert("brokenOff".to_owned(), json!(true));
        }
        let summary = Summary {
            name: DATA_EXPORT,
            verb: "exported",
            done: self.records,
            failed: 0,
            metadata,
        };
        let schema = self.engine.schema();
        let layout = layout_of(&schema, &self.object)?;
        self.engine.tell_summary(&self.context, layout, summary).await
    }
}

impl Engine {
    /// The columns of a table: the fields that are wanted, or all that may be read.
    async fn export_names(&self, context: &Context, object: &str, query: &QueryInput) -> Result<Vec<String>> {
        let schema = self.schema();
        let layout = layout_of(&schema, object)?;
        let granted = self.granted(context, layout, Operation::Read).await?;
        let mut names: Vec<String> = match &query.fields {
            Some(fields) if !fields.is_empty() => fields.clone(),
            _ => layout
                .object
                .fields
                .keys()
                .filter(|name| granted.reads(name))
                .cloned()
                .collect(),
        };
        for relation in query.expand.keys() {
            if !names.contains(relation) {
                names.push(relation.clone());
            }
        }
        Ok(names)
    }
}
