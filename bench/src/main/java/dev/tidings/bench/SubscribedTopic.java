// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BatchPublisher;
import dev.tidings.bench.load.HttpConnection;
import dev.tidings.bench.load.Ledger;
import dev.tidings.bench.load.PubsubRequests;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// A new topic with its subscriptions for one measurement; both are gone after [#close].
final class SubscribedTopic implements AutoCloseable {
  private final Session session;
  private final PubsubApi api;
  private final String name;
  private final int publisher;
  private final int subscriptions;
  private final List<Ledger> ledgers = new ArrayList<>();

  private SubscribedTopic(
      Session session, PubsubApi api, String name, int publisher, int subscriptions) {
    this.session = session;
    this.api = api;
    this.name = name;
    this.publisher = publisher;
    this.subscriptions = subscriptions;
  }

  /// Makes the topic and that many subscriptions of it.
  ///
  /// @param number of the measurement, which marks its messages
  static SubscribedTopic create(
      Session session, PubsubApi api, int number, int subscriptions, FilterMix filters)
      throws InterruptedException {
    String name = session.namePrefix() + number;
    var topic = new SubscribedTopic(session, api, name, number % 10_000, subscriptions);
    api.createTopic(name);
    boolean made = false;
    try {
      for (int i = 0; i < subscriptions; i++) {
        String subscription = name + "-" + i;
        api.createSubscription(subscription, name, filters.json(i));
        topic.ledgers.add(
            new Ledger(subscription, filters.share(i, subscriptions), topic.publisher));
      }
      made = true;
      return topic;
    } finally {
      if (!made) {
        topic.close();
      }
    }
  }

  List<Ledger> ledgers() {
    return List.copyOf(ledgers);
  }

  BatchPublisher publisher(
      List<HttpConnection> connections, PubsubRequests encoder, int batch, long firstNumber) {
    return new BatchPublisher(
        session.loops(),
        connections,
        encoder,
        name,
        batch,
        subscriptions,
        publisher,
        firstNumber,
        session.failures());
  }

  /// Makes sure that the server counts, of so many published messages, those as available that
  /// every subscription is to get, and none as leased or dead. Counts of filtered messages may lag
  /// behind, at most for `patience`.
  void requireAvailable(long published, Duration patience) throws InterruptedException {
    for (Ledger ledger : ledgers) {
      long expected = ledger.expected(published) - ledger.ackedCount();
      ApiCalls.await(
          "GET /subscriptions/" + ledger.subscription() + "/metrics",
          () -> api.counts(ledger.subscription()),
          new PubsubApi.Counts(expected, 0, 0),
          patience);
    }
  }

  @Override
  public void close() {
    session.delete("The topic " + name + " stays", () -> api.deleteTopic(name));
  }
}
