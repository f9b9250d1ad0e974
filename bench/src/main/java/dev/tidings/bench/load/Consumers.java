// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/// Consumers that lease messages in batches and acknowledge each batch, until every subscription
/// has had what it is to get.
///
/// All consumers of a subscription run on one loop, so that its [Ledger] needs no locks.
public final class Consumers {
  /// How finely progress is timed.
  public static final int PARTS = 10;

  private static final long UNKNOWN = -1;

  private final List<Consumer> consumers = new ArrayList<>();
  private final List<HttpConnection> connections;
  private final List<Ledger> ledgers;
  private final Failures failures;
  private final CountDownLatch done;
  private final Recorder leases = new Recorder(3);
  private final Recorder acks = new Recorder(3);
  private final Recorder deliveries = new Recorder(3);
  private final AtomicLong acked = new AtomicLong();
  private final AtomicLong emptyLeases = new AtomicLong();
  private final AtomicLongArray partEndsNs = new AtomicLongArray(PARTS + 1);
  private final long planned;
  private volatile long published = UNKNOWN;

  private Consumers(
      List<HttpConnection> connections,
      List<Ledger> ledgers,
      int each,
      PubsubRequests encoder,
      int leaseSize,
      long planned,
      Failures failures) {
    this.connections = connections;
    this.ledgers = ledgers;
    this.failures = failures;
    this.planned = planned;
    this.done = new CountDownLatch(connections.size());
    for (HttpConnection connection : connections) {
      Ledger ledger = ledgers.get(connection.index() / each);
      consumers.add(new Consumer(this, connection, ledger, encoder, leaseSize));
    }
  }

  /// Opens `each` connections for every ledger's subscription.
  ///
  /// @param planned deliveries there will be in all, of which [#partEndsNs] tells tenths; 0 if that
  ///   is not known
  public static Consumers open(
      LoadLoops loops,
      Endpoint endpoint,
      List<Ledger> ledgers,
      int each,
      PubsubRequests encoder,
      int leaseSize,
      long planned,
      Failures failures)
      throws InterruptedException {
    List<HttpConnection> connections =
        HttpConnection.open(
            loops, endpoint, ledgers.size() * each, index -> loops.of(index / each), failures);
    return new Consumers(
        connections, List.copyOf(ledgers), each, encoder, leaseSize, planned, failures);
  }

  public void start() {
    partEndsNs.set(0, Stamp.nowNs());
    consumers.forEach(Consumer::start);
  }

  /// Says how many messages there are, once nothing more is published; only then can a consumer be
  /// done.
  public void allPublished(long messages) {
    published = messages;
  }

  /// Down when every subscription has had everything, and every ack was answered.
  public CountDownLatch done() {
    return done;
  }

  /// Messages acknowledged in all subscriptions together.
  public long acked() {
    return acked.get();
  }

  /// Leases that brought nothing.
  public long emptyLeases() {
    return emptyLeases.get();
  }

  /// When the nth part of all planned deliveries was acknowledged, as [Stamp#nowNs]; the 0th is the
  /// start.
  public long partEndNs(int part) {
    return partEndsNs.get(part);
  }

  /// From sending a lease to its answer with messages, in nanoseconds.
  public Histogram takeLeaseLatencies() {
    return leases.getIntervalHistogram();
  }

  /// From sending acks to their answer, in nanoseconds.
  public Histogram takeAckLatencies() {
    return acks.getIntervalHistogram();
  }

  /// From just before a message was published to its lease, in nanoseconds.
  public Histogram takeDeliveryLatencies() {
    return deliveries.getIntervalHistogram();
  }

  public void close() {
    HttpConnection.closeAll(connections);
  }

  /// What the subscriptions have and miss, for the message about consumers that get no further.
  public String shortfall() {
    long known = published;
    if (known == UNKNOWN) {
      return "%,d messages were acknowledged, while publishing went on".formatted(acked());
    }
    var text = new StringBuilder();
    int incomplete = 0;
    for (Ledger ledger : ledgers) {
      if (!ledger.isComplete(known) && ++incomplete == 1) {
        text.append(
            "%s got and acknowledged %,d of %,d messages"
                .formatted(ledger.subscription(), ledger.ackedCount(), ledger.expected(known)));
      }
    }
    return incomplete < 2
        ? text.toString()
        : text + ", and " + (incomplete - 1) + " more subscriptions miss some";
  }

  boolean isComplete(Ledger ledger) {
    long known = published;
    return known != UNKNOWN && ledger.isComplete(known);
  }

  Failures failures() {
    return failures;
  }

  void ended() {
    done.countDown();
  }

  void emptyLease() {
    emptyLeases.incrementAndGet();
  }

  void leased(StampedMessages messages, long sentAtNs, long nowNs) {
    leases.recordValue(nowNs - sentAtNs);
    for (int i = 0; i < messages.count(); i++) {
      deliveries.recordValue(Math.max(0, nowNs - messages.timeNs(i)));
    }
  }

  void acked(int messages, long sentAtNs, long nowNs) {
    acks.recordValue(nowNs - sentAtNs);
    long after = acked.addAndGet(messages);
    if (planned > 0) {
      int first = (int) ((after - messages) * PARTS / planned) + 1;
      int last = (int) Math.min(PARTS, after * PARTS / planned);
      for (int part = first; part <= last; part++) {
        partEndsNs.set(part, nowNs);
      }
    }
  }
}
