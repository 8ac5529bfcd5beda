import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Arrays;

/** JDBC: batches, cursors, transactions, generated keys, times that run out. */
public class Jdbc {
    public static void main(String[] arguments) throws Exception {
        try (Connection db = DriverManager.getConnection(System.getenv("JDBC_URL"), System.getenv("JDBC_USER"), System.getenv("TOKEN"))) {
            boolean postgres = System.getenv("JDBC_URL").startsWith("jdbc:postgresql");
            String key = postgres ? "serial" : "int auto_increment";
            try (var make = db.createStatement()) {
                make.execute("drop table if exists jdbc_t");
                make.execute("create table jdbc_t (id " + key + " primary key, text varchar(50), amount decimal(10, 2))");
            }
            db.setAutoCommit(false);
            try (var insert = db.prepareStatement("insert into jdbc_t (text, amount) values (?, ?)")) {
                for (int n = 0; n < 1000; n++) {
                    insert.setString(1, n == 7 ? null : "grüße " + n);
                    insert.setBigDecimal(2, new BigDecimal("12.30"));
                    insert.addBatch();
                }
                check(Arrays.stream(insert.executeBatch()).allMatch(done -> done == 1 || done == java.sql.Statement.SUCCESS_NO_INFO), "a batch");
            }
            db.commit();
            // A few rows at a time.
            try (var read = db.prepareStatement("select id, text, amount from jdbc_t where id > ? order by id")) {
                read.setFetchSize(50);
                read.setInt(1, 0);
                int rows = 0, nulls = 0;
                try (var found = read.executeQuery()) {
                    while (found.next()) {
                        rows++;
                        if (found.getString(2) == null) nulls++;
                        check(found.getBigDecimal(3).equals(new BigDecimal("12.30")), "a number");
                    }
                }
                check(rows == 1000 && nulls == 1, "rows");
            }
            try (var delete = db.createStatement()) {
                check(delete.executeUpdate("delete from jdbc_t where id <= 500") == 500, "a count");
            }
            db.rollback();
            db.setAutoCommit(true);
            try (var insert = db.prepareStatement("insert into jdbc_t (text) values (?)", java.sql.Statement.RETURN_GENERATED_KEYS)) {
                insert.setString(1, "one more");
                insert.executeUpdate();
                try (var keys = insert.getGeneratedKeys()) {
                    check(keys.next() && keys.getInt(1) > 1000, "a generated key");
                }
            }
            try (var slow = db.createStatement()) {
                slow.setQueryTimeout(1);
                slow.executeQuery(postgres ? "select pg_sleep(600)" : "select sleep(600) from jdbc_t");
                throw new IllegalStateException("it was not cancelled");
            } catch (SQLException cancelled) {
                check(db.isValid(5), "the connection lives: " + cancelled);
            }
            check(db.getMetaData().getTables(null, null, "jdbc_t", null).next(), "tables are listed");
        }
        System.out.println("done");
    }

    static void check(boolean holds, String what) {
        if (!holds) throw new IllegalStateException(what);
    }
}
