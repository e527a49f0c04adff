/** The database's versions, oldest first. A published one is never edited: changes are added below. */
export const MIGRATIONS = [
  `
  CREATE TABLE sites (
    id INTEGER PRIMARY KEY,
    site_key TEXT NOT NULL UNIQUE,
    secret_key TEXT NOT NULL,
    name TEXT NOT NULL,
    origins TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    template TEXT NOT NULL,
    rules_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE rules (
    site_id INTEGER NOT NULL REFERENCES sites (id),
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (site_id, version)
  ) STRICT, WITHOUT ROWID;

  -- Ids are UUIDv7 and grow with time: rows are appended, not scattered.
  CREATE TABLE events (
    site_id INTEGER NOT NULL,
    id BLOB NOT NULL,
    visitor_id BLOB NOT NULL,
    time INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    traits TEXT,
    bot TEXT,
    PRIMARY KEY (site_id, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX events_by_visitor ON events (site_id, visitor_id, id);

  CREATE TABLE visitors (
    site_id INTEGER NOT NULL,
    id BLOB NOT NULL,
    user_id TEXT,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    events INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    rules INTEGER NOT NULL,
    stage TEXT,
    peak TEXT,
    tags TEXT NOT NULL,
    score REAL NOT NULL,
    have TEXT NOT NULL,
    facts TEXT NOT NULL,
    first_touch TEXT,
    last_touch TEXT,
    last_time INTEGER NOT NULL,
    stage_since INTEGER NOT NULL,
    due_at INTEGER,
    PRIMARY KEY (site_id, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX visitors_by_last_seen ON visitors (site_id, last_seen);
  CREATE INDEX visitors_by_stage ON visitors (site_id, stage, peak);
  CREATE INDEX visitors_by_rules ON visitors (site_id, rules);
  CREATE INDEX visitors_by_due ON visitors (due_at) WHERE due_at IS NOT NULL;

  CREATE TABLE transitions (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL,
    visitor_id BLOB NOT NULL,
    from_stage TEXT,
    to_stage TEXT,
    at INTEGER NOT NULL,
    cause TEXT NOT NULL
  ) STRICT;
  CREATE INDEX transitions_by_visitor ON transitions (site_id, visitor_id);
  CREATE INDEX transitions_by_time ON transitions (site_id, at);

  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY,
    site_id INTEGER,
    received_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT;

  CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    rules INTEGER NOT NULL,
    state TEXT NOT NULL,
    total INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE tokens (
    hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (hash, kind)
  ) STRICT, WITHOUT ROWID;
  `,
  `ALTER TABLE visitors ADD COLUMN lost INTEGER NOT NULL DEFAULT 0`,
  `
  -- Erased visitors, by a hash under the site's secret key: their later batches are known, and they are not.
  CREATE TABLE tombstones (
    site_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    erased_at INTEGER NOT NULL,
    -- Whether what was erased is off the disk too.
    is_wiped INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (site_id, hash)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX visitors_by_user ON visitors (site_id, user_id) WHERE user_id IS NOT NULL;
  -- Whose the letters from before are nobody knows: they could not be erased with their visitor.
  DELETE FROM dead_letters;
  ALTER TABLE dead_letters ADD COLUMN visitor_id BLOB;
  `,
  `
  -- A user who was proven has a record as a visitor has one, with the facts of all visitors that are theirs.
  ALTER TABLE visitors ADD COLUMN person_id BLOB;
  -- Time of what linked it: an older proof that comes late changes nothing.
  ALTER TABLE visitors ADD COLUMN linked_at INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE visitors ADD COLUMN is_person INTEGER NOT NULL DEFAULT 0;
  -- Why the visitor counts as a bot.
  ALTER TABLE visitors ADD COLUMN bot TEXT;
  -- Milliseconds by which the sender's clock was behind at its latest batch; null where it never said.
  ALTER TABLE visitors ADD COLUMN skew INTEGER;
  -- Numbers of events that are stored, and that never came.
  ALTER TABLE visitors ADD COLUMN stored_seq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE visitors ADD COLUMN missing_seq INTEGER NOT NULL DEFAULT 0;
  -- Days that raw events are kept; null for ever. Up to the day before this one (UTC, since 1970) they are gone, and facts stay as they are.
  ALTER TABLE sites ADD COLUMN retention_days INTEGER;
  ALTER TABLE sites ADD COLUMN kept_from INTEGER NOT NULL DEFAULT 0;
  -- Whether an event came with the secret key: what a page says, anybody can say.
  ALTER TABLE events ADD COLUMN is_proven INTEGER NOT NULL DEFAULT 0;
  -- Who may read and change what, by the hash of a token. A session is a user's; nobody's is the admin token's.
  CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
  ) STRICT;
  ALTER TABLE tokens ADD COLUMN user_id INTEGER;
  -- What tokens are signed with.
  CREATE TABLE signing_keys (id TEXT PRIMARY KEY, private_jwk TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  UPDATE visitors SET stored_seq = (SELECT coalesce(sum((value ->> 1) - (value ->> 0) + 1), 0) FROM json_each(have));
  UPDATE visitors SET missing_seq = (SELECT coalesce(max(value ->> 1), 0) FROM json_each(have)) - stored_seq;
  CREATE TABLE sessions (
    site_id INTEGER NOT NULL,
    visitor_id BLOB NOT NULL,
    id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    events INTEGER NOT NULL,
    channel TEXT,
    bot TEXT,
    device TEXT,
    browser TEXT,
    os TEXT,
    country TEXT,
    region TEXT,
    PRIMARY KEY (site_id, visitor_id, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX visitors_by_person ON visitors (site_id, person_id) WHERE person_id IS NOT NULL;
  CREATE INDEX visitors_by_bot ON visitors (site_id, id) WHERE bot IS NOT NULL;
  `,
  `
  -- Whether somebody said by hand what a visitor is: no event changes it then.
  ALTER TABLE visitors ADD COLUMN is_judged INTEGER NOT NULL DEFAULT 0;
  -- Addresses and networks of the site's own people, as a JSON list.
  ALTER TABLE sites ADD COLUMN internal TEXT NOT NULL DEFAULT '[]';
  -- Pages that the site's own server says it served, by day of the site's time zone.
  CREATE TABLE page_counts (
    site_id INTEGER NOT NULL,
    day TEXT NOT NULL,
    pages INTEGER NOT NULL,
    PRIMARY KEY (site_id, day)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX dead_letters_by_site ON dead_letters (site_id, id);
  -- Of those whom reports count, with all that is asked of them.
  DROP INDEX visitors_by_stage;
  CREATE INDEX visitors_by_stage ON visitors (site_id, stage, peak, person_id, bot)
    WHERE person_id IS NULL AND bot IS NULL;
  -- What the planner cannot know: a collector has few sites, each with very many of everything. Without it a visitor's events are looked
  -- for among all of the site's.
  PRAGMA analysis_limit = 1;
  ANALYZE;
  DELETE FROM sqlite_stat1;
  INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('events', 'events', '10000000 10000000 1'),
    ('events', 'events_by_visitor', '10000000 10000000 10 1'),
    ('visitors', 'visitors', '1000000 1000000 1'),
    ('visitors', 'visitors_by_last_seen', '1000000 1000000 2'),
    ('visitors', 'visitors_by_stage', '1000000 1000000 200000 100000 100000 100000'),
    ('visitors', 'visitors_by_rules', '1000000 1000000 500000'),
    ('visitors', 'visitors_by_due', '100000 10'),
    ('visitors', 'visitors_by_user', '100000 100000 2'),
    ('visitors', 'visitors_by_person', '100000 100000 2'),
    ('visitors', 'visitors_by_bot', '10000 10000 1'),
    ('transitions', 'transitions_by_visitor', '2000000 2000000 3'),
    ('transitions', 'transitions_by_time', '2000000 2000000 2'),
    ('sessions', 'sessions', '2000000 2000000 3 1');
  ANALYZE sqlite_schema;
  `,
  `
  -- Who published a version, and what for.
  ALTER TABLE rules ADD COLUMN author TEXT;
  ALTER TABLE rules ADD COLUMN note TEXT;
  -- What somebody is at: rules that are not in force, and may not even be valid yet.
  CREATE TABLE rule_drafts (
    site_id INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    author TEXT,
    saved_at INTEGER NOT NULL,
    -- The version in force when it was begun.
    based_on INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- Events that came together stand in one row: to write a row costs more than what is in it.
  CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL,
    visitor_id BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    -- Of its events.
    first_time INTEGER NOT NULL,
    last_time INTEGER NOT NULL,
    -- JSON list of {event, without?, bot?, inApp?, isProven?, traits?}; an event has what the one before it has, but for what is in "without"; one that is "whole" stands for itself.
    body TEXT NOT NULL
  ) STRICT;
  -- Where each event is.
  CREATE TABLE event_ids (
    site_id INTEGER NOT NULL,
    id BLOB NOT NULL,
    batch INTEGER NOT NULL,
    PRIMARY KEY (site_id, id)
  ) STRICT, WITHOUT ROWID;
  -- Of those who are no bots, by the quarter hour in which they were.
  CREATE TABLE page_views (
    site_id INTEGER NOT NULL,
    quarter INTEGER NOT NULL,
    views INTEGER NOT NULL,
    PRIMARY KEY (site_id, quarter)
  ) STRICT, WITHOUT ROWID;
  -- Where a session came from, by the name of its first touch; and to which channels the owner says that names belong.
  ALTER TABLE sessions ADD COLUMN source TEXT;
  -- Of those from before only what their visitors' first and last touches tell is known.
  UPDATE sessions SET source = (
    SELECT CASE
      WHEN first_touch ->> 'at' BETWEEN started_at AND ended_at THEN first_touch ->> 'source'
      WHEN last_touch ->> 'at' BETWEEN started_at AND ended_at THEN last_touch ->> 'source' END
    FROM visitors WHERE visitors.site_id = sessions.site_id AND visitors.id = sessions.visitor_id);
  ALTER TABLE sites ADD COLUMN channels TEXT NOT NULL DEFAULT '{}';
  -- What channels cost, by day of the site's time zone, in the currency of its orders.
  CREATE TABLE costs (
    site_id INTEGER NOT NULL,
    day TEXT NOT NULL,
    channel TEXT NOT NULL,
    cost REAL NOT NULL,
    PRIMARY KEY (site_id, day, channel)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE audiences (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    author TEXT,
    saved_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX audiences_by_site ON audiences (site_id, name);
  INSERT INTO batches (site_id, visitor_id, received_at, first_time, last_time, body)
    SELECT site_id, visitor_id, received_at, min(time), max(time), json_group_array(json_object(
      'event', json(body), 'whole', json('true'), 'bot', bot, 'isProven', iif(is_proven, json('true'), NULL), 'traits', json(traits)))
    FROM (
      SELECT *, row_number() OVER (PARTITION BY site_id, visitor_id, received_at ORDER BY id) / 50 AS part FROM events
    ) GROUP BY site_id, visitor_id, received_at, part ORDER BY received_at;
  INSERT INTO event_ids (site_id, id, batch)
    SELECT site_id, unhex(value ->> '$.event.id', '-'), batches.id FROM batches JOIN json_each(body);
  INSERT INTO page_views (site_id, quarter, views)
    SELECT site_id, time / 900000 * 900000 AS quarter, count(*) FROM events
    WHERE name = 'page_view' AND bot IS NULL GROUP BY site_id, quarter;
  CREATE INDEX batches_by_visitor ON batches (site_id, visitor_id, last_time);
  DROP TABLE events;
  INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('batches', 'batches_by_visitor', '2000000 2000000 3 2'),
    ('event_ids', 'event_ids', '10000000 10000000 1');
  ANALYZE sqlite_schema;
  `,
  `
  -- What people leave beside the numbers.
  CREATE TABLE annotations (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL,
    day TEXT NOT NULL,
    text TEXT NOT NULL,
    author TEXT,
    saved_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX annotations_by_site ON annotations (site_id, day);
  CREATE TABLE views (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    author TEXT,
    saved_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX views_by_site ON views (site_id, name);
  CREATE TABLE shares (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    author TEXT,
    saved_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX shares_by_site ON shares (site_id);
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    site_key TEXT,
    target TEXT
  ) STRICT;
  CREATE INDEX dead_letters_of_site ON dead_letters (site_id, received_at);
  `,
  `
  -- What the measure of each stage should come to in 30 days.
  ALTER TABLE sites ADD COLUMN targets TEXT NOT NULL DEFAULT '{}';
  -- Those who were in an audience when it was saved, where that is what it is; null where it is whoever meets its condition.
  ALTER TABLE audiences ADD COLUMN people INTEGER;
  CREATE TABLE audience_members (
    audience_id INTEGER NOT NULL,
    site_id INTEGER NOT NULL,
    visitor_id BLOB NOT NULL,
    PRIMARY KEY (audience_id, visitor_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX audience_members_by_visitor ON audience_members (site_id, visitor_id);
  `,
  `
  -- Visitors whose records changed, in that order: what reports keep in memory follows it. The latest stay.
  CREATE TABLE visitor_changes (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL,
    -- Empty where somebody is gone: who that was stands nowhere any more.
    visitor_id BLOB NOT NULL,
    -- The row of the events that were new.
    batch INTEGER,
    -- Whether events that were there before are others now.
    is_amended INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- Time of the event that says where a session came from; null where that is its first.
  ALTER TABLE sessions ADD COLUMN arrived_at INTEGER;
  -- Nothing asks for them any more, and every batch had to keep them up.
  DROP INDEX transitions_by_time;
  DROP INDEX visitors_by_stage;
  DELETE FROM sqlite_stat1 WHERE idx IN ('transitions_by_time', 'visitors_by_stage');
  ANALYZE sqlite_schema;
  `,
  `
  -- With a number of its own: a visitor's record is too long to lie in an index, where it was found by way of other visitors' records.
  CREATE TABLE records (
    site_id INTEGER NOT NULL,
    id BLOB NOT NULL,
    user_id TEXT,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    events INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    rules INTEGER NOT NULL,
    stage TEXT,
    peak TEXT,
    tags TEXT NOT NULL,
    score REAL NOT NULL,
    have TEXT NOT NULL,
    facts TEXT NOT NULL,
    first_touch TEXT,
    last_touch TEXT,
    last_time INTEGER NOT NULL,
    stage_since INTEGER NOT NULL,
    due_at INTEGER,
    lost INTEGER NOT NULL DEFAULT 0,
    person_id BLOB,
    linked_at INTEGER NOT NULL DEFAULT 0,
    is_person INTEGER NOT NULL DEFAULT 0,
    bot TEXT,
    skew INTEGER,
    stored_seq INTEGER NOT NULL DEFAULT 0,
    missing_seq INTEGER NOT NULL DEFAULT 0,
    is_judged INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (site_id, id)
  ) STRICT;
  INSERT INTO records SELECT * FROM visitors;
  DROP TABLE visitors;
  ALTER TABLE records RENAME TO visitors;
  CREATE INDEX visitors_by_last_seen ON visitors (site_id, last_seen, id);
  CREATE INDEX visitors_by_rules ON visitors (site_id, rules);
  CREATE INDEX visitors_by_due ON visitors (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX visitors_by_user ON visitors (site_id, user_id) WHERE user_id IS NOT NULL;
  CREATE INDEX visitors_by_person ON visitors (site_id, person_id) WHERE person_id IS NOT NULL;
  CREATE INDEX visitors_by_bot ON visitors (site_id, id) WHERE bot IS NOT NULL;
  INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('visitors', 'sqlite_autoindex_visitors_1', '1000000 1000000 1'),
    ('visitors', 'visitors_by_last_seen', '1000000 1000000 2 1'),
    ('visitors', 'visitors_by_rules', '1000000 1000000 500000'),
    ('visitors', 'visitors_by_due', '100000 10'),
    ('visitors', 'visitors_by_user', '100000 100000 2'),
    ('visitors', 'visitors_by_person', '100000 100000 2'),
    ('visitors', 'visitors_by_bot', '10000 10000 1');
  ANALYZE sqlite_schema;
  `,
  `
  ALTER TABLE sites ADD COLUMN week_start TEXT NOT NULL DEFAULT 'monday';
  -- Of sessions from before only what their visitors' first and last touches tell is known.
  ALTER TABLE sessions ADD COLUMN medium TEXT;
  ALTER TABLE sessions ADD COLUMN campaign TEXT;
  UPDATE sessions SET (medium, campaign) = (
    SELECT iif(is_first, first_touch, last_touch) ->> 'medium', iif(is_first, first_touch, last_touch) ->> 'campaign'
    FROM (
      SELECT first_touch, last_touch,
        first_touch ->> 'at' BETWEEN started_at AND ended_at
          AND first_touch ->> 'channel' IS sessions.channel AND first_touch ->> 'source' IS sessions.source AS is_first,
        last_touch ->> 'at' BETWEEN started_at AND ended_at
          AND last_touch ->> 'channel' IS sessions.channel AND last_touch ->> 'source' IS sessions.source AS is_last
      FROM visitors WHERE visitors.site_id = sessions.site_id AND visitors.id = sessions.visitor_id
    ) WHERE is_first OR is_last);
  `,
  `
  -- A channel may cost by source, medium and campaign; an empty text where nothing was said of it.
  CREATE TABLE new_costs (
    site_id INTEGER NOT NULL,
    day TEXT NOT NULL,
    channel TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT '',
    medium TEXT NOT NULL DEFAULT '',
    campaign TEXT NOT NULL DEFAULT '',
    cost REAL NOT NULL,
    PRIMARY KEY (site_id, day, channel, source, medium, campaign)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO new_costs (site_id, day, channel, cost) SELECT site_id, day, channel, cost FROM costs;
  DROP TABLE costs;
  ALTER TABLE new_costs RENAME TO costs;
  `,
  `
  -- Who is in an audience for good stands in a list, which is filled before it is the audience's.
  ALTER TABLE audience_members RENAME COLUMN audience_id TO list;
  ALTER TABLE audiences ADD COLUMN list INTEGER;
  UPDATE audiences SET list = id WHERE people IS NOT NULL;
  `,
  `
  -- The first of the events that share a transaction stands for all of them by signal, no more by the name of the event.
  -- Whose they are is counted anew at the next start: events that stood for nothing may stand for another signal now.
  UPDATE visitors SET rules = 0, facts = json_set(facts, '$.orders', json((
    SELECT json_group_object(key, json(line)) FROM (
      SELECT signal.key || substr(old.key, instr(old.key, char(10))) AS key,
        json_array(old.value -> 0, old.value -> 1, json_object(
          'signals', json((SELECT json_group_object(key, json(value)) FROM json_each(old.value, '$[2].signals') WHERE key IN (signal.key, '~' || signal.key))),
          'values', json((SELECT json_group_object(key, json(value)) FROM json_each(old.value, '$[2].values') WHERE key IN (signal.key, '~' || signal.key))),
          'keys', json((SELECT json_group_object(key, json(value)) FROM json_each(old.value, '$[2].keys') WHERE key IN (signal.key, '~' || signal.key)))
        )) AS line,
        row_number() OVER (
          PARTITION BY signal.key, substr(old.key, instr(old.key, char(10))) ORDER BY old.value ->> 0, old.value ->> 1
        ) AS place
      FROM json_each(facts, '$.orders') AS old, json_each(old.value, '$[2].signals') AS signal
    ) WHERE place = 1
  ))) WHERE facts ->> '$.orders' <> '{}';
  INSERT INTO jobs (site_id, kind, rules, state, total)
    SELECT sites.id, 'recompute', sites.rules_version, 'running', count(*)
    FROM sites JOIN visitors ON visitors.site_id = sites.id AND visitors.rules = 0 GROUP BY sites.id;
  -- A number is never given again: a link, or a page that is still open, would change what is somebody else's by now.
  CREATE TABLE new_audiences (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    author TEXT,
    saved_at INTEGER NOT NULL,
    people INTEGER,
    list INTEGER
  ) STRICT;
  INSERT INTO new_audiences (id, site_id, name, body, author, saved_at, people, list) SELECT id, site_id, name, body, author, saved_at, people, list FROM audiences;
  DROP TABLE audiences;
  ALTER TABLE new_audiences RENAME TO audiences;
  CREATE INDEX audiences_by_site ON audiences (site_id, name);
  CREATE TABLE new_annotations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site_id INTEGER NOT NULL,
    day TEXT NOT NULL,
    text TEXT NOT NULL,
    author TEXT,
    saved_at INTEGER NOT NULL
  ) STRICT;
  INSERT INTO new_annotations (id, site_id, day, text, author, saved_at) SELECT id, site_id, day, text, author, saved_at FROM annotations;
  DROP TABLE annotations;
  ALTER TABLE new_annotations RENAME TO annotations;
  CREATE INDEX annotations_by_site ON annotations (site_id, day);
  CREATE TABLE new_views (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    author TEXT,
    saved_at INTEGER NOT NULL
  ) STRICT;
  INSERT INTO new_views (id, site_id, name, address, author, saved_at) SELECT id, site_id, name, address, author, saved_at FROM views;
  DROP TABLE views;
  ALTER TABLE new_views RENAME TO views;
  CREATE INDEX views_by_site ON views (site_id, name);
  CREATE TABLE new_shares (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site_id INTEGER NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    author TEXT,
    saved_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  INSERT INTO new_shares (id, site_id, hash, address, author, saved_at, expires_at) SELECT id, site_id, hash, address, author, saved_at, expires_at FROM shares;
  DROP TABLE shares;
  ALTER TABLE new_shares RENAME TO shares;
  CREATE INDEX shares_by_site ON shares (site_id);
  `,
  `
  -- Users' and erased visitors' ids are hashed under it: the secret key may be replaced, and they stay who they are.
  ALTER TABLE sites ADD COLUMN identity_key TEXT NOT NULL DEFAULT '';
  UPDATE sites SET identity_key = secret_key;
  -- Whether labels said where a session came from; of those from before it is taken to be so.
  ALTER TABLE sessions ADD COLUMN is_labelled INTEGER NOT NULL DEFAULT 1;
  `,
  `
  -- When it was first said whose visitor somebody is; 0 of those who were linked before this was noted.
  ALTER TABLE visitors ADD COLUMN linked_since INTEGER NOT NULL DEFAULT 0;
  `,
];
