// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pubsub;

import dev.tidings.core.directory.Subscription;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.subscription.Deliveries.Meant;
import dev.tidings.server.wire.Fields;
import dev.tidings.server.wire.JsonValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/// Messages as a call names them: an array of ids, or an object with `ids` that may say more.
///
/// @param ids at most 10,000; some may be of no message, or of another topic's
/// @param lease under which they have to be leased; empty if any will do
record NamedMessages(List<UUID> ids, Optional<LeaseId> lease) {
  /// How deep a body that names messages is read.
  static final int DEPTH = 2;

  private static final int MAX_IDS = 10_000;
  private static final String IDS = "ids";
  private static final String LEASE = "lease_id";

  NamedMessages {
    ids = List.copyOf(ids);
  }

  /// The fields of a body of either form.
  static Fields fields(JsonValue body) {
    return body instanceof JsonValue.JsonObject object && object.fields().containsKey(IDS)
        ? Fields.of(body)
        : Fields.ofList(body);
  }

  /// The messages that `fields`, which came by [#fields], name.
  static NamedMessages read(Fields fields) {
    return fields.isSent(IDS) ? readObject(fields) : ofArray(fields);
  }

  /// The messages that an object names.
  static NamedMessages readObject(Fields fields) {
    List<UUID> ids = fields.uuids(IDS, MAX_IDS);
    return new NamedMessages(ids, lease(fields));
  }

  /// The messages that an array names.
  static NamedMessages ofArray(Fields fields) {
    return new NamedMessages(fields.uuids(MAX_IDS), Optional.empty());
  }

  private static Optional<LeaseId> lease(Fields fields) {
    Optional<String> text = fields.optionalString(LEASE, 1, Integer.MAX_VALUE);
    Optional<LeaseId> id = text.flatMap(LeaseId::parse);
    if (text.isPresent() && id.isEmpty()) {
      fields.invalid(LEASE, LEASE + " must be the value of a header X-Lease-ID");
    }
    return id;
  }

  /// Those that may be messages of `subscription`, for a command.
  Meant of(Subscription subscription) {
    // Under a lease of another subscription nothing of this one is leased.
    List<Long> sequences =
        lease.isEmpty() || lease.get().isOf(subscription) ? sequencesIn(subscription) : List.of();
    return new Meant(
        sequences, lease.map(it -> OptionalLong.of(it.lease())).orElseGet(OptionalLong::empty));
  }

  /// The sequences of those that may be messages of `subscription`.
  List<Long> sequencesIn(Subscription subscription) {
    List<Long> sequences = new ArrayList<>(ids.size());
    for (UUID id : ids) {
      sequence(id.toString(), subscription).ifPresent(sequences::add);
    }
    return sequences;
  }

  /// The sequence of the message called `id` if that is one of the topic of `subscription`.
  static OptionalLong sequence(String id, Subscription subscription) {
    return MessageId.parse(id)
        .filter(it -> it.incarnation() == subscription.incarnation())
        .map(it -> OptionalLong.of(it.sequence()))
        .orElseGet(OptionalLong::empty);
  }
}
