//! The commands of Redis up to version 8, by what they do and which of their words are keys.

use std::sync::LazyLock;

use postern_domain::statement::StatementClass::{
    self, Admin, Delete, Dynamic, Privilege, Read, Session, Transaction, Truncate, Update,
};

/// Which words of a command are keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    None,
    /// The word at this place.
    One(usize),
    /// The first two after the name.
    Two,
    /// All from this place on.
    From(usize),
    /// All but the last.
    AllButLast,
    /// Every other one, from the first after the name.
    EveryOther,
    /// As many as the word at this place says, right after it.
    Counted(usize),
    /// The first after the name, and as many as the second says.
    StoredCounted,
    /// The first half of what follows the word `STREAMS`.
    Streams,
    /// The first after the name, and what follows the words `STORE` and `STOREDIST`.
    OneAndStore,
    /// The third after the name, or what follows the word `KEYS`.
    Migrate,
}

/// What is known of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    pub(super) classes: &'static [StatementClass],
    pub(super) keys: Keys,
}

/// A command of this name, in lower case.
pub(super) fn find(name: &[u8]) -> Option<(&'static str, &'static Spec)> {
    // In order, for few comparisons beat a digest of the name; of most, the length is enough to tell.
    static KNOWN: LazyLock<Vec<(&'static str, Spec)>> = LazyLock::new(|| {
        let of_group = |(classes, keys, names): &(&'static [StatementClass], Keys, &'static str)| {
            let spec = Spec { classes, keys: *keys };
            names.split_ascii_whitespace().map(move |name| (name, spec)).collect::<Vec<_>>()
        };
        let mut known: Vec<_> = COMMANDS.iter().flat_map(of_group).collect();
        known.sort_unstable_by_key(|(name, _)| (name.len(), *name));
        known
    });
    let at = KNOWN.binary_search_by(|(known, _)| (known.len(), known.as_bytes()).cmp(&(name.len(), name))).ok()?;
    KNOWN.get(at).map(|(name, spec)| (*name, spec))
}

/// Words that stand for nothing else than names are separated by blanks.
const COMMANDS: &[(&[StatementClass], Keys, &str)] = &[
    (
        &[Read],
        Keys::One(1),
        "get getrange substr strlen bitcount bitfield_ro bitpos getbit lindex llen lpos lrange scard sismember \
         smembers smismember srandmember sscan hexists hget hgetall hkeys hlen hmget hrandfield hscan hstrlen hvals \
         httl hpttl hexpiretime hpexpiretime zcard zcount zlexcount zmscore zrandmember zrange zrangebylex \
         zrangebyscore zrank zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore geodist geohash geopos \
         georadius_ro georadiusbymember_ro geosearch xlen xpending xrange xrevrange ttl pttl type dump expiretime \
         pexpiretime",
    ),
    (
        &[Read],
        Keys::One(2),
        "object|encoding object|freq object|idletime object|refcount memory|usage xinfo|consumers xinfo|groups xinfo|stream",
    ),
    (&[Read], Keys::From(1), "mget exists touch sdiff sinter sunion pfcount"),
    (&[Read], Keys::Two, "lcs"),
    (&[Read], Keys::Counted(1), "sintercard zdiff zinter zintercard zunion"),
    (&[Read], Keys::Streams, "xread"),
    (&[Read], Keys::OneAndStore, "sort_ro"),
    (
        &[Read],
        Keys::None,
        "keys scan randomkey dbsize info lolwut role lastsave time wait waitaof command command|count command|docs \
         command|getkeys command|getkeysandflags command|help command|info command|list object|help memory|help \
         memory|doctor memory|stats memory|malloc-stats xinfo|help xgroup|help pubsub|channels pubsub|help \
         pubsub|numpat pubsub|numsub pubsub|shardchannels pubsub|shardnumsub cluster|info cluster|nodes \
         cluster|slots cluster|shards cluster|myid cluster|keyslot cluster|countkeysinslot cluster|getkeysinslot \
         cluster|links cluster|help client|list client|info client|help latency|help slowlog|help config|help acl|help \
         acl|whoami acl|cat module|help function|help script|help",
    ),
    (
        &[Update],
        Keys::One(1),
        "append decr decrby incr incrby incrbyfloat set setbit setex psetex setnx setrange bitfield hincrby \
         hincrbyfloat hmset hset hsetnx hsetex hexpire hpexpire hexpireat hpexpireat hpersist linsert lpush lpushx \
         lset rpush rpushx sadd zadd zincrby geoadd pfadd xadd xack xsetid expire expireat pexpire pexpireat persist \
         move",
    ),
    (&[Update], Keys::One(2), "xgroup|create xgroup|createconsumer xgroup|setid"),
    (&[Delete], Keys::One(2), "xgroup|delconsumer xgroup|destroy"),
    (&[Read, Update], Keys::One(1), "getex getset hgetex xautoclaim xclaim restore"),
    (&[Update], Keys::EveryOther, "mset msetnx"),
    (
        &[Read, Update],
        Keys::Two,
        "copy rename renamenx smove lmove blmove rpoplpush brpoplpush geosearchstore zrangestore",
    ),
    (&[Read, Update], Keys::From(1), "sdiffstore sinterstore sunionstore pfmerge"),
    (&[Read, Update], Keys::From(2), "bitop"),
    (&[Read, Update], Keys::StoredCounted, "zdiffstore zinterstore zunionstore"),
    (&[Read, Update], Keys::Streams, "xreadgroup"),
    (&[Read, Update], Keys::OneAndStore, "sort georadius georadiusbymember"),
    (&[Delete], Keys::From(1), "del unlink"),
    (&[Delete], Keys::One(1), "hdel srem zrem zremrangebylex zremrangebyrank zremrangebyscore lrem ltrim xdel xtrim"),
    (&[Read, Delete], Keys::One(1), "getdel hgetdel lpop rpop spop zpopmax zpopmin"),
    (&[Read, Delete], Keys::AllButLast, "blpop brpop bzpopmax bzpopmin"),
    (&[Read, Delete], Keys::Counted(1), "lmpop zmpop"),
    (&[Read, Delete], Keys::Counted(2), "blmpop bzmpop"),
    (&[Truncate], Keys::None, "flushall flushdb"),
    (&[Dynamic], Keys::Counted(2), "eval evalsha eval_ro evalsha_ro fcall fcall_ro"),
    (
        &[Dynamic],
        Keys::None,
        "script|load script|exists script|flush script|kill script|debug function|load function|delete function|flush \
         function|restore function|kill function|list function|dump function|stats",
    ),
    (&[Admin], Keys::Migrate, "migrate"),
    (
        &[Admin],
        Keys::None,
        "bgrewriteaof bgsave save shutdown failover swapdb replicaof slaveof monitor sync psync replconf debug|help \
         debug|jmap debug|object debug|reload debug|restart debug|segfault debug|set-active-expire debug|sleep \
         debug|digest debug|digest-value debug|listpack debug|protocol debug|change-repl-id debug|loadaof debug|oom \
         debug|panic debug|populate debug|quicklist-packed-threshold debug|stringmatch-len debug|structsize debug|htstats \
         debug|htstats-key debug|crash-and-recover debug|leak debug|log debug|error config|get config|set \
         config|resetstat config|rewrite module|load module|loadex module|unload module|list client|kill client|pause \
         client|unpause client|unblock client|no-evict memory|purge latency|doctor latency|graph latency|histogram \
         latency|history latency|latest latency|reset slowlog|get slowlog|len slowlog|reset cluster|addslots \
         cluster|addslotsrange cluster|bumpepoch cluster|count-failure-reports cluster|delslots cluster|delslotsrange \
         cluster|failover cluster|flushslots cluster|forget cluster|meet cluster|replicas cluster|replicate \
         cluster|reset cluster|saveconfig cluster|set-config-epoch cluster|setslot cluster|slaves pfselftest \
         restore-asking",
    ),
    (
        &[Privilege],
        Keys::None,
        "acl|setuser acl|deluser acl|getuser acl|list acl|users acl|load acl|save acl|log acl|dryrun acl|genpass",
    ),
    (&[Transaction], Keys::None, "multi exec discard unwatch"),
    (&[Transaction], Keys::From(1), "watch"),
    (
        &[Session],
        Keys::None,
        "auth hello ping echo quit reset select asking readonly readwrite subscribe psubscribe ssubscribe unsubscribe \
         punsubscribe sunsubscribe publish spublish client|caching client|getname client|getredir client|id \
         client|no-touch client|reply client|setinfo client|setname client|tracking client|trackinginfo",
    ),
];

#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().flat_map(|(_, _, names)| names.split_ascii_whitespace())
}
