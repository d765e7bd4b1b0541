//! Older spellings of app files.
