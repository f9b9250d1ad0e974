// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.sql;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.Scopes;
import dev.tidings.core.directory.SigningKey;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Ordering;
import dev.tidings.core.message.Payload;
import dev.tidings.core.message.ScheduledMessage;
import dev.tidings.core.slot.SlotSet;
import dev.tidings.core.store.Batch;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.core.store.StoreRecord;
import dev.tidings.core.store.StoreRecord.DeadLettersKept;
import dev.tidings.core.store.StoreRecord.DeliveryChanged;
import dev.tidings.core.store.StoreRecord.EntryPut;
import dev.tidings.core.store.StoreRecord.MessagesAppended;
import dev.tidings.core.store.StoreRecord.MessagesScheduled;
import dev.tidings.core.subscription.DeliveryChange;
import dev.tidings.core.subscription.DeliveryChange.Totals;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/// A store in a database of its own, with something in it of each kind that people look at.
final class Filled implements AutoCloseable {
  /// The secrets in it, each of which holds this word.
  static final String SECRET = "HUSH";

  static final int ORDERS = 1;
  static final int JOBS = 2;
  static final int SUBSCRIPTION = 3;
  static final int EXCHANGE = 4;
  static final int QUEUE_SUBSCRIPTION = 5;
  static final int ODD = 6;

  /// The name of a topic that no column holds as it is.
  static final String ODD_NAME = "odd\\\0\uD800\u00e4";

  final TestPostgres.Database database = TestPostgres.newDatabase();
  final Store store;
  final long now = System.currentTimeMillis();
  private final long epoch;
  private long number;

  Filled() throws StoreException {
    store = SqlStore.open(database.options());
    epoch = store.openSlots(SlotSet.ALL);
    writeDirectory();
    writeMessages();
    writeDeliveries();
  }

  void write(StoreRecord... records) throws StoreException {
    number++;
    store.commit(new Batch(0, epoch, number, List.of(records)));
  }

  private void writeDirectory() throws StoreException {
    Exchange exchange = new Exchange("shop", EXCHANGE, Exchange.Type.TOPIC, "ada", now);
    Queue.Bounds bounds =
        new Queue.Bounds(OptionalLong.of(100), OptionalLong.empty(), Queue.Overflow.REJECT);
    Queue queue = new Queue("jobs", JOBS, true, Queue.Mode.WORK, bounds, "ada", now);
    DeliveryPolicy policy = new DeliveryPolicy(5, 1000, 60_000, OptionalLong.empty());
    write(
        new EntryPut(topic("orders", ORDERS, Optional.of("What was \"ordered\""))),
        new EntryPut(topic(queue.topic(), JOBS, Optional.empty())),
        new EntryPut(topic(ODD_NAME, ODD, Optional.of("\0 and \\u0000 and \\\uD800\0"))),
        new EntryPut(
            new Subscription(
                "billing",
                SUBSCRIPTION,
                "orders",
                ORDERS,
                "ada",
                Optional.of(Payload.of("{\"kind\": [\"a\"]}")),
                policy,
                3,
                now)),
        new EntryPut(
            new Subscription(
                "jobs",
                QUEUE_SUBSCRIPTION,
                queue.topic(),
                JOBS,
                "ada",
                Optional.empty(),
                policy,
                1,
                now)),
        new EntryPut(
            new User(
                "u-1",
                "ada",
                Optional.of("ada@example.org"),
                SECRET + "-password",
                Set.of(Permission.ADMIN),
                true,
                now)),
        new EntryPut(
            new Client(
                "c-1", "cron", Scopes.of("topics:read"), SECRET + "-client", true, 1, now, now)),
        new EntryPut(new SigningKey("tokens", Payload.of(SECRET + "-key"), now)),
        new EntryPut(new DurableStream("ticker", DurableStream.FIRST_NUMBER, now)),
        new EntryPut(exchange),
        new EntryPut(queue),
        new EntryPut(Binding.of(exchange, queue, "order.#", now)),
        // Of an exchange that is gone.
        new EntryPut(
            new Binding("shop", 77, Exchange.Type.TOPIC, queue.name(), JOBS, "old.#", now)));
  }

  private Topic topic(String name, int log, Optional<String> description) {
    return new Topic(name, log, "ada", false, description, now, Set.of("u-2"));
  }

  private void writeMessages() throws StoreException {
    List<Message> first = new ArrayList<>();
    for (int sequence = 1; sequence <= 10; sequence++) {
      first.add(
          new Message(
              sequence,
              now - 10_000 + sequence,
              Message.NEVER,
              Payload.of("{\"status\": \"open\", \"n\": " + sequence + ".0}"),
              Payload.EMPTY));
    }
    List<Message> second =
        List.of(
            new Message(
                11,
                now - 1000,
                now + 60_000,
                Payload.of("\"\\u0000\""),
                Payload.of("{\"a\":\"b\"}"),
                new Ordering("customer-1", 7)),
            new Message(12, now - 1000, Message.NEVER, Payload.of("1e999999"), Payload.EMPTY));
    long bytes = first.stream().mapToLong(Message::size).sum();
    write(new MessagesAppended(ORDERS % 1024, ORDERS, 0, 0, first));
    write(new MessagesAppended(ORDERS % 1024, ORDERS, 10, bytes, second));
    write(
        new MessagesAppended(
            0,
            JOBS,
            0,
            0,
            List.of(new Message(1, now, Message.NEVER, Payload.of("[1]"), Payload.EMPTY))),
        new MessagesAppended(
            0,
            ODD,
            0,
            0,
            List.of(
                new Message((1L << 48) - 1, now, Message.NEVER, Payload.of("1"), Payload.EMPTY))));
    NewMessage later =
        new NewMessage(
            Payload.of("{\"remind\": true}"), Payload.EMPTY, 5000, Ordering.NONE, now + 3_600_000);
    write(
        new MessagesScheduled(
            0,
            List.of(
                new ScheduledMessage("orders", ORDERS, 1, later),
                new ScheduledMessage(ODD_NAME, ODD, 2, later))));
  }

  private void writeDeliveries() throws StoreException {
    write(change(1, true, 5, 4, new Totals(1, 0, 0)), change(2, false, 9, 8, new Totals(4, 1, 0)));
    write(
        new DeadLettersKept(
            0,
            SUBSCRIPTION,
            List.of(
                new Message(
                    7,
                    now - 9993,
                    Message.NEVER,
                    Payload.of("{\"status\": \"open\"}"),
                    Payload.EMPTY))));
  }

  private static DeliveryChanged change(
      long ordinal, boolean whole, long next, long passed, Totals totals) {
    return new DeliveryChanged(
        0,
        SUBSCRIPTION,
        new DeliveryChange(ordinal, whole, next, passed, totals, List.of(), List.of(), List.of()));
  }

  @Override
  public void close() throws StoreException {
    store.close();
    TestPostgres.shared().drop(database);
  }
}
