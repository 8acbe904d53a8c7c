-- Past events sent to an integration again. The body holds how far it has come.
CREATE TABLE replays (
  id BLOB PRIMARY KEY, project BLOB NOT NULL, running INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX replays_by_project ON replays (project, id);          -- the list
CREATE INDEX replays_running ON replays (id) WHERE running = 1;    -- what goes on

-- Which browser a session is in, as it calls itself.
ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_by_user ON sessions (user);  -- the list of somebody's sessions
