//! Apps, list views and form fields: what users see of objects. Source: the `ui` folder of the protocol.

mod app;
mod choice;
mod form_field;
mod list_config;
mod list_view;
mod navigation;
mod view_data;

pub use app::*;
pub use choice::*;
pub use form_field::*;
pub use list_config::*;
pub use list_view::*;
pub use navigation::*;
pub use view_data::*;
