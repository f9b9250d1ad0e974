// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.command.CreateTopic;
import dev.tidings.core.command.CreateUser;
import dev.tidings.core.command.Publish;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.log.Reader;
import dev.tidings.core.log.Start;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.message.NewMessage;
import dev.tidings.core.message.Payload;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// A whole node driven by hand: event loops, blocking reads and the commit lane do one thing at a
/// time, when a test says so.
public final class CrankedNode {
  /// Bounds that no small test reaches.
  public static final Node.Limits LIMITS =
      new Node.Limits(64 << 20, 64 << 20, 10_000, 64 << 20, new CommitLane.Limits(1000, 16 << 20));

  /// Owner of the topics that [#createTopic] and [#publish] make.
  public static final String OWNER = "owner";

  private final List<CrankedExecutor> executors = new ArrayList<>();
  private final CrankedExecutor blocking = new CrankedExecutor("blocking");
  private final ManualTime time;
  private final Node node;

  private CrankedNode(Store store, int loops, Node.Limits limits, ManualTime time)
      throws StoreException {
    for (int i = 0; i < loops; i++) {
      executors.add(new CrankedExecutor("loop-" + i, time));
    }
    this.time = time;
    node =
        new Node(
            store, List.copyOf(executors), blocking, blocking, time, limits, CommitObserver.none());
  }

  /// A node on `store` with `loops` event loops.
  public static CrankedNode on(Store store, int loops) throws StoreException {
    return on(store, loops, LIMITS, new ManualTime());
  }

  /// A node on `store` with `loops` event loops and bounds and time of its own.
  public static CrankedNode on(Store store, int loops, Node.Limits limits, ManualTime time)
      throws StoreException {
    return new CrankedNode(store, loops, limits, time);
  }

  /// The node.
  public Node node() {
    return node;
  }

  /// Its clock.
  public ManualTime time() {
    return time;
  }

  /// The executor of the event loop with number `index`.
  public CrankedExecutor executor(int index) {
    return executors.get(index);
  }

  /// All event loops' executors.
  public List<CrankedExecutor> executors() {
    return executors;
  }

  /// Where reads of the store run.
  public CrankedExecutor blocking() {
    return blocking;
  }

  // ---- cranking ----

  /// Runs everything until nothing is left to do without more time passing.
  public void settle() {
    boolean more = true;
    while (more) {
      more = settleExecutors() > 0;
      more |= node.lane().step() == 0;
      more |= hasTasks();
    }
  }

  private boolean hasTasks() {
    return blocking.pending() > 0
        || executors.stream().anyMatch(executor -> executor.pending() > 0);
  }

  /// Runs the event loops and the blocking reads, but not the commit lane, until they are idle.
  public int settleExecutors() {
    int total = 0;
    int ran;
    do {
      ran = blocking.runUntilIdle();
      for (CrankedExecutor executor : executors) {
        ran += executor.runUntilIdle();
      }
      total += ran;
    } while (ran > 0);
    return total;
  }

  // ---- asking ----

  /// Hands in a command from the event loop with number `loop`; cranks nothing.
  public <R> Reply<R> submit(Command<R> command, int loop) {
    CrankedExecutor home = executors.get(loop);
    Reply<R> reply = new Reply<>(home);
    home.run(() -> node.submit(command, home, reply));
    return reply;
  }

  /// Hands in a command from event loop 0; cranks nothing.
  public <R> Reply<R> submit(Command<R> command) {
    return submit(command, 0);
  }

  /// The ids of what was appended to the log at once, which all of it was.
  public static List<MessageId> ids(Publish.Published published) {
    return published.ids().stream().map(MessageId.class::cast).toList();
  }

  /// Publishes to `topic`, as it is in the directory now; creates it if it is not there.
  public Reply<Publish.Published> publish(String topic, String... payloads) {
    return submit(publishing(topic, payloads), 0);
  }

  /// The command that [#publish] hands in.
  public Publish publishing(String topic, String... payloads) {
    Publish.Authority authority =
        node.directory()
            .topic(topic)
            .<Publish.Authority>map(it -> new Publish.Authority.Existing(it.incarnation()))
            .orElseGet(() -> new Publish.Authority.Creating(OWNER, "made by a test"));
    return new Publish(topic, authority, messages(payloads));
  }

  /// Messages to publish that never expire.
  public static List<NewMessage> messages(String... payloads) {
    return Arrays.stream(payloads)
        .map(text -> new NewMessage(Payload.of(text), Payload.EMPTY, Message.NEVER))
        .toList();
  }

  /// Creates a topic and settles.
  public Topic createTopic(String name) {
    Reply<Topic> reply = submit(new CreateTopic(name, OWNER, false, Optional.empty()));
    settle();
    return reply.done();
  }

  /// Creates a user and settles.
  public User createUser(String username, Permission... permissions) {
    Reply<User> reply = submit(new CreateUser(user(username, permissions)));
    settle();
    return reply.done();
  }

  /// A user whose id follows from its name.
  public static User user(String username, Permission... permissions) {
    EnumSet<Permission> all = EnumSet.noneOf(Permission.class);
    all.addAll(Arrays.asList(permissions));
    return new User(
        UUID.nameUUIDFromBytes(username.getBytes(java.nio.charset.StandardCharsets.UTF_8))
            .toString(),
        username,
        Optional.empty(),
        "$argon2id$none",
        all,
        true,
        ManualTime.BEGINNING_MS);
  }

  /// Opens a cursor for a new recording reader; cranks nothing.
  public RecordingReader open(int loop, String topic, Start start) {
    return open(loop, topic, start, new RecordingReader());
  }

  /// Opens a cursor for `reader`; cranks nothing.
  public <T extends Reader> T open(int loop, String topic, Start start, T reader) {
    executors
        .get(loop)
        .run(() -> {
          var _ = node.loops().get(loop).readers().open(topic, start, reader);
        });
    return reader;
  }

  /// Closes the cursor of `reader`.
  public void close(int loop, RecordingReader reader) {
    executors.get(loop).run(() -> reader.cursor().close());
  }

  /// The log of `topic`, which has to be in memory with a reader on event loop 0 after this.
  public TopicLog log(String topic) {
    RecordingReader reader = open(0, topic, new Start.Last());
    settle();
    return reader.cursor().log().orElseThrow();
  }
}
