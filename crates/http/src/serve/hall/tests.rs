use super::*;

fn hall(connections: usize) -> Arc<Hall> {
    Arc::new(Hall::new(Bounds::of(connections)))
}

/// Of whoever comes by way of a proxy.
async fn seat(hall: &Arc<Hall>) -> Seat {
    hall.place(None).await.unwrap()
}

fn is_dismissed(seat: &Seat) -> bool {
    seat.place.state.lock().is_dismissed
}

fn after(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

#[tokio::test]
async fn who_keeps_the_server_waiting_longest_makes_room() {
    let hall = hall(4);
    let working = seat(&hall).await;
    let idle = seat(&hall).await;
    let asking = seat(&hall).await;
    let slow = seat(&hall).await;
    working.place.works(after(0));
    asking.place.hears(after(3));
    slow.place.works(after(2));
    // Drops make nobody younger.
    for second in 4..9 {
        slow.place.waits_for_body();
        slow.place.has_body(after(second));
        asking.place.hears(after(second));
    }
    slow.place.waits_for_body();
    // What was asked before and answered waits from then on.
    idle.place.works(after(1));
    idle.place.is_answered(after(5));
    // Whoever was not answered yet waits since it came.
    for expected in [asking, slow, idle] {
        assert!(!is_dismissed(&expected));
        hall.make_way(None, after(20));
        assert!(is_dismissed(&expected));
    }
    let goes = hall.make_way(None, after(20));
    assert_eq!(goes, Goes::Nobody, "the server itself is late there");
    assert!(!is_dismissed(&working));
}

#[tokio::test]
async fn an_answer_that_is_taken_in_drops_makes_room_too() {
    let hall = hall(2);
    let (drops, idle) = (seat(&hall).await, seat(&hall).await);
    drops.place.works(after(0));
    drops.place.takes(false, after(1));
    idle.place.is_answered(after(2));
    drops.place.takes(false, after(3));
    hall.make_way(None, after(20));
    assert!(is_dismissed(&drops) && !is_dismissed(&idle));
}

#[tokio::test]
async fn a_newcomer_gets_the_place_of_whoever_goes() {
    let hall = hall(1);
    let first = seat(&hall).await;
    let going = async {
        first.place.dismissed().await;
        drop(first);
    };
    let ((), second) = tokio::join!(going, seat(&hall));
    assert!(!is_dismissed(&second));
}

#[tokio::test]
async fn whoever_is_answered_first_makes_way_where_nobody_keeps_the_server_waiting() {
    let hall = hall(2);
    let (one, other) = (seat(&hall).await, seat(&hall).await);
    for seat in [&one, &other] {
        seat.place.works(after(0));
    }
    assert!(!one.makes_way(), "nobody comes");
    let answered = async {
        // The newcomer waits by now.
        tokio::task::yield_now().await;
        assert!(one.makes_way() && !other.makes_way());
        drop(one);
    };
    let (_newcomer, ()) = tokio::join!(seat(&hall), answered);
    assert!(!other.makes_way());
}

#[tokio::test]
async fn whoever_is_late_goes_whether_there_is_room_or_not() {
    let hall = hall(100);
    let begin = Instant::now();
    let [idle, asking, stuck, working] = [
        seat(&hall).await,
        seat(&hall).await,
        seat(&hall).await,
        seat(&hall).await,
    ];
    idle.place.is_answered(begin);
    stuck.place.works(begin);
    working.place.works(begin);
    let mut gone = Vec::new();
    for second in 0..100 {
        let now = begin + Duration::from_secs(second);
        // Both in drops.
        asking.place.hears(now);
        stuck.place.takes(false, now);
        hall.dismiss_late(now);
        for (name, seat) in [
            ("idle", &idle),
            ("head", &asking),
            ("answer", &stuck),
            ("work", &working),
        ] {
            if is_dismissed(seat) && !gone.iter().any(|(known, _)| *known == name) {
                gone.push((name, second));
            }
        }
    }
    assert_eq!(gone, [("head", 11), ("answer", 31), ("idle", 76)]);
}
