// go-sql-driver/mysql: prepared statements, several statements, transactions, errors, a file of the client's own.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
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
	pem, err := os.ReadFile(os.Getenv("CA"))
	must(err)
	roots := x509.NewCertPool()
	check(roots.AppendCertsFromPEM(pem), "no certificates")
	must(mysql.RegisterTLSConfig("gate", &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}))
	config := mysql.NewConfig()
	config.User, config.Passwd, config.DBName = "app@shop", os.Getenv("TOKEN"), "shop"
	config.Net, config.Addr, config.TLSConfig = "tcp", "127.0.0.1:"+os.Getenv("PORT"), "gate"
	config.MultiStatements, config.ParseTime = true, true
	db, err := sql.Open("mysql", config.FormatDSN())
	must(err)
	defer db.Close()
	work(context.Background(), db)
	fmt.Println("done")
}

func work(ctx context.Context, db *sql.DB) {
	_, err := db.Exec("create or replace table t (id int primary key auto_increment, text text, at datetime(6), data longblob)")
	must(err)
	at, data := time.Date(2026, 11, 25, 1, 2, 3, 4000, time.UTC), bytes.Repeat([]byte{0, 1, 2, 255}, 100_000)
	insert, err := db.Prepare("insert into t (text, at, data) values (?, ?, ?)")
	must(err)
	for n := 1; n <= 50; n++ {
		result, err := insert.Exec("grüße", at, data[:n*4])
		must(err)
		id, err := result.LastInsertId()
		must(err)
		check(id == int64(n), id)
	}
	_, err = insert.Exec(nil, nil, data)
	must(err)
	var text sql.NullString
	var then sql.NullTime
	var back []byte
	must(db.QueryRow("select text, at, data from t where id = ?", 7).Scan(&text, &then, &back))
	check(text.String == "grüße" && then.Time.Equal(at) && bytes.Equal(back, data[:28]), text, then, back)
	must(db.QueryRow("select text, at, data from t where id = ?", 51).Scan(&text, &then, &back))
	check(!text.Valid && !then.Valid && bytes.Equal(back, data), text, then, len(back))

	// As many parameters as there can be.
	most, err := db.Prepare("select ?" + strings.Repeat(", ?", 65_534))
	must(err)
	must(most.Close())

	several, err := db.Query("select 1; select 2")
	must(err)
	for wanted := 1; wanted <= 2; wanted++ {
		var one int
		check(several.Next(), "a row")
		must(several.Scan(&one))
		check(one == wanted && several.NextResultSet() == (wanted == 1), one)
	}
	must(several.Close())

	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	must(err)
	_, err = tx.Exec("delete from t")
	must(err)
	must(tx.Rollback())
	var count int
	must(db.QueryRow("select count(*) from t").Scan(&count))
	check(count == 51, count)

	_, err = db.Exec("select nothing from t")
	var told *mysql.MySQLError
	check(errors.As(err, &told) && told.Number == 1054, err)
	mysql.RegisterReaderHandler("rows", func() io.Reader {
		return strings.NewReader("1001\ta\n1002\tb\n")
	})
	_, err = db.Exec("load data local infile 'Reader::rows' into table t (id, text)")
	must(err)
	must(db.QueryRow("select count(*) from t where id > ?", 1000).Scan(&count))
	check(count == 2, count)
}
