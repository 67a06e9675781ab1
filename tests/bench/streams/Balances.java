// The keyed projection "tally.balances" as a Kafka Streams program: (group, account) -> balance and number of events, kept in a
// persistent RocksDB store. It reads what our side reads: the envelope of every event from its headers, its data from JSON, and
// checks that positions are dense. See README.md for the four ways it is configured.
//
//   java Balances <broker> <topic> <fast|uncached|changelog|stock> <threads> <events> <folder> <passes>
//
// Prints name=value lines for each pass; a pass begins from nothing under an application id of its own.

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.TaskId;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.rocksdb.CompactionStyle;
import org.rocksdb.CompressionType;
import org.rocksdb.Options;

public final class Balances {
  private static final String STORE = "balances";

  record Added(String group, String account, long amount) {}

  record Row(long balance, long events) {}

  /** What our side keeps of the headers. */
  static final class Envelope {
    String id, source, type, subject, dataschema, partitionkey, correlationid, causationid, commandid, actor;
    long timeMs, sequence = -1, tmseq = -1, decision = -1;
    int decisionIndex = -1;

    static Envelope of(Headers headers) {
      Envelope out = new Envelope();
      boolean version = false;
      for (Header header : headers) {
        byte[] value = header.value();
        switch (header.key()) {
          case "ce_specversion" -> version = text(value).equals("1.0");
          case "ce_id" -> out.id = text(value);
          case "ce_source" -> out.source = text(value);
          case "ce_type" -> out.type = text(value);
          case "ce_subject" -> out.subject = text(value);
          case "ce_time" -> out.timeMs = time(value);
          case "ce_dataschema" -> out.dataschema = text(value);
          case "ce_partitionkey" -> out.partitionkey = text(value);
          case "ce_sequence" -> out.sequence = number(value, 0, value.length);
          case "ce_correlationid" -> out.correlationid = text(value);
          case "ce_causationid" -> out.causationid = text(value);
          case "ce_commandid" -> out.commandid = text(value);
          case "ce_actor" -> out.actor = text(value);
          case "ce_tmseq" -> out.tmseq = number(value, 0, value.length);
          case "ce_tmdecision" -> {
            int dot = 0;
            while (dot < value.length && value[dot] != '.') ++dot;
            out.decision = number(value, 0, dot);
            out.decisionIndex = (int) number(value, dot + 1, value.length);
          }
          default -> {}
        }
      }
      if (!version || out.id == null || out.source == null || out.type == null) throw new IllegalStateException("no CloudEvent");
      return out;
    }

    private static String text(byte[] value) {
      return new String(value, StandardCharsets.UTF_8);
    }

    private static long number(byte[] text, int from, int to) {
      if (from >= to) throw new IllegalStateException("no number");
      long value = 0;
      for (int i = from; i < to; ++i) {
        if (text[i] < '0' || text[i] > '9') throw new IllegalStateException("no number");
        value = value * 10 + (text[i] - '0');
      }
      return value;
    }

    /** "2026-11-21T10:00:00.123Z", by hand: the library's parser would be the dearest of all. */
    private static long time(byte[] text) {
      int at = 19;
      long ms = 0;
      if (text[at] == '.') {
        long scale = 100;
        for (++at; text[at] != 'Z'; ++at, scale /= 10) ms += scale * (text[at] - '0');
      }
      if (text[at] != 'Z') throw new IllegalStateException("no time in UTC");
      long day = LocalDate.of((int) number(text, 0, 4), (int) number(text, 5, 7), (int) number(text, 8, 10)).toEpochDay();
      return ((day * 24 + number(text, 11, 13)) * 60 + number(text, 14, 16)) * 60_000 + number(text, 17, 19) * 1000 + ms;
    }
  }

  static final class AddedDeserializer implements Deserializer<Added> {
    private static final JsonFactory JSON = new JsonFactory();

    @Override
    public Added deserialize(String topic, byte[] data) {
      try (JsonParser parser = JSON.createParser(data)) {
        String group = null, account = null;
        long amount = 0;
        parser.nextToken();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          String name = parser.currentName();
          parser.nextToken();
          switch (name) {
            case "group" -> group = parser.getText();
            case "account" -> account = parser.getText();
            case "amount" -> amount = parser.getLongValue();
            default -> parser.skipChildren();
          }
        }
        if (group == null || account == null) throw new IllegalStateException("not an Added");
        return new Added(group, account, amount);
      } catch (IOException error) {
        throw new IllegalStateException(error);
      }
    }
  }

  static final Serializer<Row> ROW_TO_BYTES =
      (topic, row) -> row == null ? null : ByteBuffer.allocate(16).putLong(row.balance).putLong(row.events).array();
  static final Deserializer<Row> ROW_FROM_BYTES =
      (topic, bytes) -> {
        if (bytes == null) return null;
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new Row(buffer.getLong(), buffer.getLong());
      };

  /** How far each task has come. One thread writes one at a time: tasks move between threads while these join. */
  static final class Progress {
    final Map<TaskId, AtomicLong> tasks = new ConcurrentHashMap<>();
    volatile long firstNanos = 0;

    long events() {
      long sum = 0;
      for (AtomicLong task : tasks.values()) sum += task.get();
      return sum;
    }
  }

  static final class Fold implements Processor<String, Added, Void, Void> {
    private final Progress progress;
    private AtomicLong done;
    private KeyValueStore<String, Row> rows;
    private long next;

    Fold(Progress progress) {
      this.progress = progress;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
      rows = context.getStateStore(STORE);
      done = progress.tasks.computeIfAbsent(context.taskId(), task -> new AtomicLong());
      next = done.get();
    }

    @Override
    public void process(Record<String, Added> record) {
      if (next == 0 && progress.firstNanos == 0) progress.firstNanos = System.nanoTime();
      Envelope envelope = Envelope.of(record.headers());
      if (envelope.tmseq != next) throw new IllegalStateException("tmseq " + envelope.tmseq + " where " + next + " is due");
      ++next;
      if (envelope.type.equals("tidemark.tally.Added.v1")) {
        Added added = record.value();
        String key = added.group + '/' + added.account;
        Row row = rows.get(key);
        rows.put(key, row == null ? new Row(added.amount, 1) : new Row(row.balance + added.amount, row.events + 1));
      }
      done.lazySet(next);
    }
  }

  /** More memory and fewer files than the defaults have, no compression: what a rebuild wants. */
  public static final class Rocks implements RocksDBConfigSetter {
    @Override
    public void setConfig(String store, Options options, Map<String, Object> configs) {
      options.setWriteBufferSize(64L << 20);
      options.setMaxWriteBufferNumber(4);
      options.setCompactionStyle(CompactionStyle.UNIVERSAL);
      options.setCompressionType(CompressionType.NO_COMPRESSION);
      options.setIncreaseParallelism(2);
    }

    @Override
    public void close(String store, Options options) {}
  }

  private static Properties settings(String broker, String application, String mode, int threads, Path folder) {
    Properties out = new Properties();
    out.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
    out.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, broker);
    out.put(StreamsConfig.STATE_DIR_CONFIG, folder.toString());
    out.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
    out.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
    out.put(StreamsConfig.consumerPrefix(ConsumerConfig.ISOLATION_LEVEL_CONFIG), "read_committed");
    out.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    if (mode.equals("stock")) return out;
    out.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 600_000);
    out.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 512L << 20);
    out.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, Rocks.class);
    out.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 20_000);
    out.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 20_000);
    out.put(StreamsConfig.consumerPrefix(ConsumerConfig.FETCH_MIN_BYTES_CONFIG), 256 << 10);
    out.put(StreamsConfig.consumerPrefix(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG), 20);
    out.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 4 << 20);
    out.put(StreamsConfig.consumerPrefix(ConsumerConfig.RECEIVE_BUFFER_CONFIG), 4 << 20);
    out.put(StreamsConfig.producerPrefix("linger.ms"), 100);
    out.put(StreamsConfig.producerPrefix("batch.size"), 1 << 20);
    return out;
  }

  private static Topology topology(String topic, String mode, Progress progress) {
    StoreBuilder<KeyValueStore<String, Row>> store =
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Serdes.String(), Serdes.serdeFrom(ROW_TO_BYTES, ROW_FROM_BYTES));
    if (!mode.equals("uncached")) store.withCachingEnabled();
    if (mode.equals("fast") || mode.equals("uncached")) store.withLoggingDisabled();
    return new Topology()
        .addSource("events", new StringDeserializer(), new AddedDeserializer(), topic)
        .addProcessor("fold", () -> new Fold(progress), "events")
        .addStateStore(store, "fold");
  }

  private static double seconds(long from, long to) {
    return (to - from) / 1e9;
  }

  private static void pass(String broker, String topic, String mode, int threads, long events, Path folder) throws InterruptedException {
    Progress progress = new Progress();
    String application = "balances-" + mode + "-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
    KafkaStreams streams = new KafkaStreams(topology(topic, mode, progress), settings(broker, application, mode, threads, folder));
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
      return null;
    });
    long started = System.nanoTime();
    streams.start();
    while (progress.events() < events) Thread.sleep(2);
    long folded = System.nanoTime();

    long rows = 0, sum = 0;
    try (KeyValueIterator<String, Row> all = streams.store(StoreQueryParameters.fromNameAndType(STORE, QueryableStoreTypes.<String, Row>keyValueStore())).all()) {
      while (all.hasNext()) {
        KeyValue<String, Row> row = all.next();
        long hash = 0xcbf29ce484222325L;
        for (byte b : (row.key + '=' + row.value.balance + ',' + row.value.events).getBytes(StandardCharsets.UTF_8)) hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
        sum += hash;
        ++rows;
      }
    }
    long closing = System.nanoTime();
    if (!streams.close(Duration.ofMinutes(2))) throw new IllegalStateException("it does not close");
    long closed = System.nanoTime();
    System.out.printf("events=%d%nfold_seconds=%.3f%nfrom_start_seconds=%.3f%nclose_seconds=%.3f%nrows=%d%nhash=%016x%n",
        progress.events(), seconds(progress.firstNanos, folded), seconds(started, folded), seconds(closing, closed), rows, sum);
    streams.cleanUp();
  }

  public static void main(String[] words) throws InterruptedException {
    for (int i = 0; i < Integer.parseInt(words[6]); ++i) pass(words[0], words[1], words[2], Integer.parseInt(words[3]), Long.parseLong(words[4]), Path.of(words[5]));
  }
}
