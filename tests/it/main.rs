mod browser;
mod page;
mod page_http;
mod scripted;
