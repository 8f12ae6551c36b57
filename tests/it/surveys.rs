//! Surveys: a wave from its invitation to what came of it, as a conversation, and what nobody can find out about it.

use stationmaster::store::survey::state;

use crate::engine::{On, on_both};
use crate::house::card_of;

mod crowd;
mod event;
mod files;
mod forensic;
mod page;
mod stage;
mod told;

use stage::{DAY, HOUR, Stage, values};

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_is_asked_answered_closed_published_and_finished() {
    on_both(|on| async move {
        let stage = Stage::open(on).await;
        let (privacy, form) = (stage.press_read("p0", "How this is kept anonymous").await, stage.form("p0").await);
        insta::allow_duplicates! {
            insta::assert_snapshot!("survey_asked", stage.read_last("p0"));
            insta::assert_snapshot!("survey_privacy", privacy);
            insta::assert_snapshot!("survey_form", form);
        }
        for (number, who) in stage.people().iter().enumerate().take(14) {
            let thanks = stage.answer(who, values(number)).await;
            assert_eq!(card_of(&thanks).title, "Thank you", "{who}");
        }
        stage.pass(3 * DAY).await;
        let reminded: Vec<&String> = stage.people().iter().filter(|who| stage.cards(who).len() > 1).collect();
        assert_eq!(reminded, ["p14", "p15"], "only who has not answered, as far as is known");
        insta::allow_duplicates! {
            insta::assert_snapshot!("survey_reminded", stage.read_last("p15"));
        }
        stage.pass(7 * DAY + HOUR).await;
        let wave = stage.wave().await;
        assert_eq!(wave.state, state::PUBLISHED);
        insta::allow_duplicates! {
            insta::assert_snapshot!("survey_closed", stage.read_first("p0"));
            insta::assert_snapshot!("survey_published", stage.read_last("p15"));
            insta::assert_snapshot!("survey_reported", stage.read_last("ada"));
        }
        assert!(stage.house.app.store.wave_key(&wave.id).await.expect("read").is_none(), "the key is gone");
        stage.finish_loop().await;
        insta::allow_duplicates! {
            insta::assert_snapshot!("survey_looped", stage.read_last("p3"));
        }
        assert_eq!(stage.wave().await.state, state::LOOPED);
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_comes_back_with_all_that_was_typed_and_names_are_warned_of_once() {
    let stage = Stage::open(On::Sqlite).await;
    let mut wrong = values(0);
    wrong.insert("flow".into(), "9".into());
    wrong.insert("change".into(), "Ask Ada about jo@example.org".into());
    let form = stage.form_of(stage.answer("p0", wrong.clone()).await);
    let field = |name: &str| form.fields.iter().find(|field| field.name == name).expect("a field").clone();
    assert_eq!(field("flow").error.as_deref(), Some("Choose a whole number from 1 to 5."));
    assert_eq!(field("change").value, Some("Ask Ada about jo@example.org".into()));
    wrong.insert("flow".into(), "4".into());
    let form = stage.form_of(stage.answer("p0", wrong.clone()).await);
    let change = form.fields.iter().find(|field| field.name == "change").expect("a field");
    assert_eq!(change.error.as_deref(), Some("This may tell who you are: Ada, jo@example.org"));
    assert!(form.token.to_string().ends_with("/sure") && form.token.to_string().starts_with("pulse:"));
    let thanks = stage.submit("p0", &form.token, wrong).await;
    assert_eq!(card_of(&thanks).title, "Thank you");
    let kept = stage.house.app.waiting.drain(&stage.wave().await.id);
    assert_eq!(kept["p0"].answers["change"], "Ask Ada about [hidden]");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_for_another_and_nothing_after_the_end() {
    let stage = Stage::open(On::Sqlite).await;
    let answer = stage.token("p0", "Answer");
    assert!(card_of(&stage.house.press("p1", &answer).await).title.contains("no such invitation"));
    assert!(card_of(&stage.submit("p1", &answer, values(1)).await).title.contains("no such invitation"));
    let empty = stage.form_of(stage.submit("p0", &answer, Default::default()).await);
    assert_eq!(empty.error.as_deref(), Some("Nothing is answered yet. Answer at least one question."));
    stage.pass(10 * DAY + HOUR).await;
    assert!(card_of(&stage.submit("p0", &answer, values(0)).await).title.contains("closed"));
    assert!(card_of(&stage.house.press("p0", &answer).await).title.contains("closed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn not_now_is_for_the_wave_and_never_for_the_survey() {
    let stage = Stage::open(On::Sqlite).await;
    stage.press_read("p0", "Not now").await;
    stage.press_read("p1", "Never ask me this").await;
    // The second reminder would be on a Sunday, so it comes on Monday morning.
    stage.pass(6 * DAY).await;
    assert_eq!((stage.cards("p0").len(), stage.cards("p1").len()), (1, 1), "nobody is reminded who said no");
    assert_eq!(stage.cards("p2").len(), 3);
    for (number, who) in stage.people().iter().enumerate().skip(2) {
        stage.answer(who, values(number)).await;
    }
    stage.pass(5 * DAY).await;
    stage.finish_loop().await;
    let board = card_of(&stage.house.say("p1", "/surveys").await);
    assert!(board.body.contains("You never want to be asked"), "{}", board.body);
    stage.next_wave().await;
    assert_eq!(stage.invited().await.len(), 15, "all but the one who never wants to be asked");
    stage.house.press("p1", &crate::house::button(&board, "Ask me again: How is it here?")).await;
    let refused = stage.house.app.store.refused_surveys("p1").await.expect("read");
    assert!(refused.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_wave_waits_for_you_said_we_did_or_for_a_reason() {
    on_both(|on| async move {
        let stage = Stage::open(on).await;
        let first = stage.wave().await;
        for (number, who) in stage.people().iter().enumerate() {
            stage.answer(who, values(number)).await;
        }
        stage.next_wave().await;
        let held = stage.wave().await;
        assert_eq!((held.state.as_str(), held.number), (state::PLANNED, 1));
        insta::allow_duplicates! {
            insta::assert_snapshot!(stage.read_last("ada"), @"
            [waiting] “How is it here?” waits for you
              Its next wave is due. It opens once those who were asked last time know what became of it.
              [You said, we did] [Open without it]
            ");
        }
        let told = stage.cards("ada").last().expect("a card").clone();
        let token = crate::house::button(&told, "Open without it");
        assert!(card_of(&stage.house.press("p0", &token).await).title.contains("no such survey"), "the owner alone");
        let form = stage.form_of(stage.house.press("ada", &token).await);
        let blank = stage.form_of(stage.submit("ada", &form.token, Default::default()).await);
        assert_eq!(blank.fields[0].error.as_deref(), Some("This is needed."));
        stage.submit("ada", &form.token, [("reason".to_owned(), "The board meets".into())].into()).await;
        stage.house.settle().await;
        assert_eq!(stage.wave().await.state, state::OPEN);
        let trail = stage.house.app.store.audit_of(&held.id).await.expect("a trail");
        assert!(trail.iter().any(|entry| entry.action == "wave-overridden" && entry.detail == "The board meets"));
        assert_eq!(stage.house.app.store.wave(&first.id).await.expect("read").expect("there").state, state::PUBLISHED);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_asks_nobody_twice_and_loses_no_answer_that_was_stored() {
    on_both(|on| async move {
        let stage = Stage::open(on).await;
        for (number, who) in stage.people().iter().enumerate().take(9) {
            stage.answer(who, values(number)).await;
        }
        let (wave, asked) = (stage.wave().await, stage.invited().await);
        let stored = stage.house.app.store.answers(&wave.id).await.expect("read").len();
        assert!(stored > 0, "some were enough to be stored");
        // Another process takes over; what waited in the first one is gone with it.
        let stage = stage.restart().await;
        stage.plan().await;
        assert_eq!(stage.invited().await, asked);
        assert_eq!(stage.house.app.store.answers(&wave.id).await.expect("read").len(), stored);
        let again = card_of(&stage.answer("p0", values(3)).await).title;
        assert_eq!(again, "You have answered already");
        assert_eq!(card_of(&stage.answer("p8", values(3)).await).title, "Thank you", "whoever waited can answer again");
        stage.pass(10 * DAY + HOUR).await;
        assert_eq!(stage.wave().await.state, state::PUBLISHED);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_answers_are_held_against_early_ones_and_results_go_where_the_author_says() {
    let alone = stage::PULSE.replace("groups = [\"team\"]", "results_to = [\"team:data\"]");
    let alone = alone.replace("teams = [\"data\", \"web\"]", "teams = [\"web\", \"platform\"]");
    let stage = Stage::with(On::Sqlite, vec![Box::leak(alone.into_boxed_str())], 40).await;
    stage.plan().await;
    stage.pass(HOUR).await;
    for (number, who) in stage.people().iter().enumerate().skip(20) {
        if number == 32 {
            stage.pass(3 * DAY).await;
        }
        stage.answer(who, values(number)).await;
    }
    stage.pass(8 * DAY).await;
    let results = stage.read_last("p30");
    // Of twelve who had answered ten were stored, in batches of five.
    let late = "before the first reminder: 2.3 of 5 (n 10); after it: 2.7 of 5 (n 10): no clear difference";
    assert!(results.contains(late), "{results}");
    assert_eq!(results.matches("most like who never does").count(), 1, "{results}");
    // Whoever asked and was asked reads one card of it, and so does who was asked, and who was not but is to know.
    for (who, is_owner) in [("ada", true), ("p30", false), ("p0", false)] {
        let cards: Vec<_> = stage.cards(who).into_iter().filter(|card| card.title.starts_with("Results:")).collect();
        assert_eq!(cards.len(), 1, "{who}");
        assert_eq!(cards[0].buttons.iter().any(|button| button.label == "You said, we did"), is_owner, "{who}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_said_what_is_seen_by_who_asks_where_everybody_was_told_so() {
    let named = stage::PULSE.replace("anonymous = true", "attributed = \"we call you back\"");
    let stage = Stage::with(On::Sqlite, vec![Box::leak(named.into_boxed_str())], 16).await;
    stage.plan().await;
    stage.pass(HOUR).await;
    assert!(
        stage
            .read_first("p0")
            .contains("With your name. The team platform sees what you answer and that it was you: we call you back.")
    );
    stage.answer("p0", values(0)).await;
    stage.answer("p0", values(3)).await;
    stage.answer("p1", values(1)).await;
    stage.pass(11 * DAY).await;
    let token = crate::house::button(stage.cards("ada").last().expect("the report"), "Who said what");
    let seen = crate::house::read(&card_of(&stage.house.press("ada", &token).await));
    insta::assert_snapshot!(seen, @"
    [neutral] Who said what: How is it here?
      p0
      • I can work without being interrupted – 4
      • Would you recommend working here? – 3
      • What stops you? – Builds
      • What would you change? – Make thing number 3 faster
      p1
      • I can work without being interrupted – 2
      • Would you recommend working here? – 1
      • What stops you? – Reviews
      • What would you change? – Make thing number 1 faster
      (For the team platform alone; whoever was asked was told so)
    ");
    assert!(card_of(&stage.house.press("p0", &token).await).title.contains("no such survey"), "the owner alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_at_a_stop_is_stored_without_its_groups_if_it_is_of_enough_people() {
    on_both(|on| async move {
        let stage = Stage::open(on).await;
        // Seven of one team, of whom five are a batch, and four of the other: six wait.
        for (number, who) in stage.people().iter().enumerate().filter(|(number, _)| *number != 7).take(11) {
            stage.answer(who, values(number)).await;
        }
        let wave = stage.wave().await.id;
        let flows = async |stage: &Stage| {
            let answers = stage.house.app.store.answers(&wave).await.expect("read");
            answers
                .iter()
                .filter(|answer| answer.question == "flow")
                .map(|answer| answer.cell.is_empty())
                .collect::<Vec<_>>()
        };
        assert_eq!(flows(&stage).await, [false; 5]);
        stationmaster::survey::closing::keep_all(&stage.house.app).await.expect("kept");
        let stored = flows(&stage).await;
        assert_eq!((stored.len(), stored.iter().filter(|is_apart| **is_apart).count()), (11, 6));
        let stage = stage.restart().await;
        for who in ["p0", "p6", "p11"] {
            assert_eq!(card_of(&stage.answer(who, values(3)).await).title, "You have answered already", "{who}");
        }
        // Of too few nothing is stored, and they can answer again.
        stage.answer("p7", values(7)).await;
        stationmaster::survey::closing::keep_all(&stage.house.app).await.expect("kept");
        assert_eq!(flows(&stage).await.len(), 11);
        assert!(!stage.house.app.waiting.has(&wave, "p7"));
    })
    .await;
}
