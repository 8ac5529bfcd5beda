// pgx and lib/pq: parameters, batches in one pipeline, copies both ways, transactions, notifications, a cancelled statement.
package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/lib/pq"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(holds bool, what ...any) {
	if !holds {
		panic(fmt.Sprint(what...))
	}
}

func main() {
	withPgx(context.Background(), os.Getenv("URI"))
	withPq(context.Background(), os.Getenv("URI"))
	fmt.Println("done")
}

func withPgx(ctx context.Context, uri string) {
	db, err := pgx.Connect(ctx, uri)
	must(err)
	defer db.Close(ctx)
	_, err = db.Exec(ctx, "create temporary table t (id int primary key, text text, at timestamptz, data bytea, list int[])")
	must(err)
	at, data := time.Date(2026, 11, 25, 1, 2, 3, 4000, time.UTC), []byte{0, 1, 2, 255}
	batch := &pgx.Batch{}
	for id := 1; id <= 100; id++ {
		batch.Queue("insert into t values ($1, $2, $3, $4, $5)", id, fmt.Sprint("grüße ", id), at, data, []int32{1, 2})
	}
	must(db.SendBatch(ctx, batch).Close())
	var text string
	var then time.Time
	var back []byte
	var list []int32
	must(db.QueryRow(ctx, "select text, at, data, list from t where id = $1", 7).Scan(&text, &then, &back, &list))
	check(text == "grüße 7" && then.Equal(at) && bytes.Equal(back, data) && reflect.DeepEqual(list, []int32{1, 2}), text, then, back, list)

	// One of a batch fails: those after it do not run, and the connection goes on.
	batch = &pgx.Batch{}
	batch.Queue("select 1")
	batch.Queue("select 1 / $1::int", 0)
	batch.Queue("delete from t")
	results := db.SendBatch(ctx, batch)
	_, err = results.Exec()
	must(err)
	_, err = results.Exec()
	var told *pgconn.PgError
	check(errors.As(err, &told) && told.Code == "22012", err)
	check(results.Close() != nil, "a batch with an error ends with it")
	var count int
	must(db.QueryRow(ctx, "select count(*) from t").Scan(&count))
	check(count == 100, count)

	rows := [][]any{{1001, "a", at, data, []int32{}}, {1002, nil, nil, nil, nil}}
	copied, err := db.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"id", "text", "at", "data", "list"}, pgx.CopyFromRows(rows))
	must(err)
	check(copied == 2, copied)
	var out bytes.Buffer
	_, err = db.PgConn().CopyTo(ctx, &out, "copy (select id, text from t where id > 1000 order by id) to stdout")
	must(err)
	check(out.String() == "1001\ta\n1002\t\\N\n", out.String())

	tx, err := db.Begin(ctx)
	must(err)
	_, err = tx.Exec(ctx, "delete from t")
	must(err)
	must(tx.Rollback(ctx))
	must(db.QueryRow(ctx, "select count(*) from t").Scan(&count))
	check(count == 102, count)

	_, err = db.Exec(ctx, "listen news")
	must(err)
	_, err = db.Exec(ctx, "notify news, 'hello'")
	must(err)
	heard, err := db.WaitForNotification(ctx)
	must(err)
	check(heard.Payload == "hello", heard)
}

func withPq(ctx context.Context, uri string) {
	db, err := sql.Open("postgres", uri)
	must(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec("create temporary table u (id int, text text)")
	must(err)
	tx, err := db.Begin()
	must(err)
	in, err := tx.Prepare(pq.CopyIn("u", "id", "text"))
	must(err)
	for id := 0; id < 1000; id++ {
		_, err = in.Exec(id, "grüße")
		must(err)
	}
	_, err = in.Exec()
	must(err)
	must(in.Close())
	must(tx.Commit())
	prepared, err := db.Prepare("select count(*) from u where id < $1")
	must(err)
	var count int
	must(prepared.QueryRow(10).Scan(&count))
	check(count == 10, count)

	// What a context gives up is cancelled on the server, by a connection of its own.
	var pid int
	must(db.QueryRow("select pg_backend_pid()").Scan(&pid))
	other, err := sql.Open("postgres", uri)
	must(err)
	defer other.Close()
	giving, giveUp := context.WithCancel(ctx)
	slept := make(chan error)
	go func() {
		_, err := db.ExecContext(giving, "select pg_sleep(600)")
		slept <- err
	}()
	const running = "select count(*) from pg_stat_activity where pid = $1 and query = 'select pg_sleep(600)' and state = 'active'"
	for count = 0; count == 0; {
		must(other.QueryRow(running, pid).Scan(&count))
	}
	giveUp()
	err = <-slept
	check(err != nil && (errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "canceling statement")), err)
	for count = 1; count == 1; {
		must(other.QueryRow(running, pid).Scan(&count))
	}

	listener := pq.NewListener(uri, time.Second, time.Minute, nil)
	must(listener.Listen("news"))
	_, err = other.Exec("select pg_notify($1, $2)", "news", "from afar")
	must(err)
	heard := <-listener.Notify
	check(heard.Extra == "from afar", heard)
	must(listener.Close())
	_, err = other.Exec("select nothing from u")
	var told *pq.Error
	check(errors.As(err, &told) && told.Code == "42P01", err)
}
