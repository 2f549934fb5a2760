//! Every hot query goes by an index.

use crate::scrub::sql as scrub;
use crate::trail::sql as trail;
use crate::unreadable::sql as unreadable;
use crate::view::sql;
use crate::{marks, rows, schema, space, sums};
use rusqlite::Connection;

fn plan(conn: &Connection, sql: &str) -> String {
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    // What the parameters are does not change a plan.
    for n in 1..=statement.parameter_count() {
        statement.raw_bind_parameter(n, 1).unwrap();
    }
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get::<_, String>(3).unwrap());
    }
    steps.join("; ")
}

#[test]
fn no_hot_query_reads_a_whole_table_or_sorts() {
    let mut conn = Connection::open_in_memory().unwrap();
    schema::migrate(&mut conn).unwrap();
    // The tables take turns, and each brings its own indexes.
    for prefix in ["object", "staged", "kept", "object"] {
        check(&conn, prefix);
        conn.execute_batch(crate::switch::SWITCH).unwrap();
    }
}

/// Sees that each statement goes by the index that it is meant for. `prefix` is that of the indexes of table object at present.
fn check(conn: &Connection, prefix: &str) {
    let hot = [
        (space::LIVE.object, "PRIMARY KEY (id=?)"),
        (space::LIVE.old, "PRIMARY KEY (id=?)"),
        (space::KEPT.page, "PRIMARY KEY (id>?)"),
        (space::STAGED.ids, "PRIMARY KEY (id>?)"),
        (sql::USERS_BY_NUMBER, "object_number (number=?)"),
        (sql::USERS, "object_number ((number,id)>(?,?))"),
        (
            sql::MESSAGES,
            "object_mailbox (owner=? AND place=? AND (received_at,id)<(?,?))",
        ),
        (sql::BELONGINGS, "object_mailbox (owner=? AND place=?)"),
        (sql::ADMINISTRATORS, "object_administrator (kind=?)"),
        (sql::OUTGOING, "object_outgoing (kind=? AND id>?)"),
        (
            sql::OUTGOING_COUNT,
            "COVERING INDEX object_outgoing (kind=?",
        ),
        (sql::SETTINGS, "PRIMARY KEY (key>? AND key<?)"),
        (sql::COUNTS, "COVERING INDEX object_mailbox (owner=?"),
        (sql::OWED, "COVERING INDEX object_mailbox (owner=?"),
        (sql::DELETED_OF, "object_mailbox (owner=? AND place=?)"),
        (sql::ANY_OWED, "held_body (body=?)"),
        (sql::ONE_SERVER_ONLY, "mark_body (body=?)"),
        (sql::ONE_SERVER_ONLY, "held_body (body=?)"),
        (sql::HELD, "PRIMARY KEY (id>?)"),
        (sql::HELD_ONE, "PRIMARY KEY (id=?)"),
        (sql::HELD_USERS, "held_lane (lane=?)"),
        (sql::OLDEST_MARK, "mark_since (lane=?)"),
        (sql::EXPIRED, "object_deleted (filed_at<?)"),
        (sql::MARK, "PRIMARY KEY (id=?)"),
        (trail::PAGE, "INDEX trail_at (at>?"),
        (trail::TRIM, "trail_kind (kind=? AND at<?)"),
        (trail::OVER, "COVERING INDEX trail_kind (kind=?)"),
        (sql::MISSING, "body_missing (refs>?)"),
        (sql::MISSING_PAGE, "body_lost (hash>?)"),
        (unreadable::ONE, "INDEX"),
        (unreadable::PAGE, "unreadable_open (id>?)"),
        (scrub::ROWS, "PRIMARY KEY (id>?)"),
        (scrub::BODIES, "body_place ((segment,offset)>(?,?))"),
        (scrub::ASTRAY, "PRIMARY KEY (hash>?)"),
        (rows::WITH_NUMBER, "COVERING INDEX object_number (number=?)"),
        (rows::FORGET_GRAVES, "grave_age (at<?)"),
        (
            sums::IN_BUCKET,
            "COVERING INDEX object_bucket (tree=? AND bucket=? AND id>?)",
        ),
        (
            sums::BUCKETS,
            "PRIMARY KEY (tree=? AND bucket>? AND bucket<?)",
        ),
        (marks::OLDEST, "mark_since (lane=? AND since>?)"),
        (marks::NEWEST, "mark_since (lane=? AND since>?)"),
        (marks::OF_ONE_MOMENT, "mark_since (lane=? AND since=?)"),
    ];
    for (sql, index) in hot {
        let index = index.replace("object_", &format!("{prefix}_"));
        let plan = plan(conn, sql);
        assert!(plan.contains(&index), "{sql}\n{plan}");
        let reads = plan.replace("SCAN CONSTANT ROW", "");
        assert!(!reads.contains("SCAN"), "{sql}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
    }
}
