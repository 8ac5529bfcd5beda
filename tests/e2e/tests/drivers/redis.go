// redigo: pipelines, transactions, subscriptions, errors.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/gomodule/redigo/redis"
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

func connect() redis.Conn {
	uri, err := url.Parse(os.Getenv("URI"))
	must(err)
	token, _ := uri.User.Password()
	pem, err := os.ReadFile(os.Getenv("CA"))
	must(err)
	roots := x509.NewCertPool()
	check(roots.AppendCertsFromPEM(pem), "no certificates")
	db, err := redis.Dial("tcp", uri.Host, redis.DialUseTLS(true), redis.DialTLSConfig(&tls.Config{RootCAs: roots, ServerName: uri.Hostname()}),
		redis.DialUsername(uri.User.Username()), redis.DialPassword(token))
	must(err)
	return db
}

func main() {
	db := connect()
	defer db.Close()
	for n := 0; n < 500; n++ {
		must(db.Send("INCR", "n"))
	}
	must(db.Flush())
	for n := 1; n <= 500; n++ {
		got, err := redis.Int(db.Receive())
		must(err)
		check(got == n, got)
	}
	must(db.Send("MULTI"))
	must(db.Send("SET", "text", strings.Repeat("grüße", 50_000)))
	must(db.Send("STRLEN", "text"))
	replies, err := redis.Values(db.Do("EXEC"))
	must(err)
	check(len(replies) == 2 && replies[1] == int64(350_000), replies)
	_, err = db.Do("LPUSH", "text", 1)
	check(err != nil && strings.HasPrefix(err.Error(), "WRONGTYPE"), err)
	got, err := redis.Int(redis.NewScript(1, "return redis.call('incrby', KEYS[1], ARGV[1])").Do(db, "n", 7))
	must(err)
	check(got == 507, got)

	listens := redis.PubSubConn{Conn: connect()}
	defer listens.Close()
	must(listens.Subscribe("news"))
	_, subscribed := listens.Receive().(redis.Subscription)
	check(subscribed, "no subscription")
	_, err = db.Do("PUBLISH", "news", "hello")
	must(err)
	heard, message := listens.Receive().(redis.Message)
	check(message && string(heard.Data) == "hello", heard)
	fmt.Println("done")
}
