//! Two browsers whose visitors become one person, before their eyes.

use thirtyfour::prelude::Key;

use crate::browser::{Browser, Driver, Scheme};
use crate::page_whole::Program;

/// Types a line and sends it.
async fn say(browser: &Browser, line: &str) {
    browser.focus("#words").await;
    browser.keys(line.to_owned() + Key::Escape + Key::Enter).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b6_two_visitors_become_one_person_by_a_press_on_both_sides() {
    let (program, driver) = (Program::start(), Driver::start());
    let first = driver.open(&program.url, Scheme::Light).await;
    let other = driver.open(&program.url, Scheme::Dark).await;
    for browser in [&first, &other] {
        browser.until("document.querySelector('.home [data-fill]')").await;
    }
    say(&first, "/service new shop").await;
    first.sees("shop is ready").await;
    say(&first, "/link").await;
    first.sees("Your code is").await;
    first.picture("people-code").await;
    let text = first.eval("[...document.querySelectorAll('.card pre')].pop().innerText.trim()").await;
    say(&other, text.as_str().expect("the line to say")).await;
    other.sees("Go on only if you asked").await;
    other.picture("people-checked").await;
    other.click(".card.waiting .primary").await;
    other.sees("Now say yes on the web page").await;
    first.sees("wants to be the same person").await;
    first.picture("people-asked").await;
    first.click(".card.waiting .primary").await;
    for browser in [&first, &other] {
        browser.sees("You are one person now").await;
    }
    first.picture("people-one").await;

    // What one asked for is at home with the other.
    say(&other, "/home").await;
    other.sees("Run again: service new shop").await;
    other.picture("people-home").await;
    say(&other, "/whoami").await;
    other.sees("linked by you").await;
    say(&other, "/unlink").await;
    other.sees("this is where you are").await;
    other.picture("people-listed").await;

    // The form that begins any command turns into that command's form.
    first.driver.refresh().await.expect("the page opens again");
    first.until("document.querySelector('.home')").await;
    first.click(".home button[value='start:']").await;
    first.until("document.querySelector('.form')").await;
    first.picture("people-start").await;
    first.until("document.activeElement.name === 'f.line'").await;
    first.keys("/service new" + Key::Escape + Key::Enter).await;
    first.until("document.querySelector('[name=\"f.name\"]')").await;
    first.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_tries_it_as_two_persons_in_two_windows() {
    let (program, driver) = (Program::start(), Driver::start());
    let first = driver.open(&program.url, Scheme::Light).await;
    let other = driver.open(&program.url, Scheme::Dark).await;
    for (browser, name) in [(&first, "ben"), (&other, "ada")] {
        browser.until("document.querySelector('.home [data-fill]')").await;
        // By keys alone: open the menu, go on to the name, press it.
        browser.focus(".bar .quiet").await;
        browser.keys(Key::Enter + "").await;
        browser.until("document.querySelector('#you:popover-open')").await;
        browser.picture(&format!("people-be-{name}")).await;
        browser.focus(&format!("#you button[value={name}]")).await;
        browser.keys(Key::Enter + "").await;
        browser.until(&format!("document.querySelector('.bar .name')?.innerText === '{name}'")).await;
        browser.until("document.querySelector('.home [data-fill]')").await;
    }
    say(&other, "/whoami").await;
    other.sees("You are ada").await;
    other.sees("security").await;
    say(&first, "/access grant ben production-logs 'To find out why orders are lost'").await;
    first.sees("approval").await;
    other.until("document.querySelector('button[value^=\"approve:\"]')").await;
    other.picture("people-approve").await;
    other.click("button[value^='approve:']").await;
    first.sees("may read in production-logs").await;
    other.resize(360, 740).await;
    other.focus(".bar .quiet").await;
    other.keys(Key::Enter + "").await;
    other.until("document.querySelector('#you:popover-open')").await;
    other.until("document.documentElement.scrollWidth <= innerWidth").await;
    other.picture("people-be-narrow").await;
    // And back: the visitor of before, whose conversation was kept.
    other.click("#you button[value='']").await;
    other.until("document.querySelector('.bar .name')?.innerText.startsWith('Developer')").await;
    assert_ne!(other.eval("document.body.innerText.includes('You are ada')").await, true);
    first.close().await;
    other.close().await;
}
