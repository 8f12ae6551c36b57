mod browser;
mod page;
mod scripted;
