// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

/// Why a command was not done. An expected answer, not an error of the program; nothing was changed
/// unless the code says otherwise.
///
/// @param code what kind
/// @param detail for the caller: what was wrong and what to do
public record Refusal(Code code, String detail) {

  /// The catalogue: whose fault it is, and whether the same command may work later.
  public enum Code {
    /// The name is taken.
    TOPIC_EXISTS(Fault.CALLER, false),
    /// There is no topic of that name.
    TOPIC_MISSING(Fault.CALLER, false),
    /// The user already may read the topic.
    ALREADY_GRANTED(Fault.CALLER, false),
    /// The user has no grant of the topic.
    NOT_GRANTED(Fault.CALLER, false),
    /// There is no such user.
    USER_MISSING(Fault.CALLER, false),
    /// The username is taken.
    USER_EXISTS(Fault.CALLER, false),
    /// The name of the subscription is taken.
    SUBSCRIPTION_EXISTS(Fault.CALLER, false),
    /// There is no such subscription.
    SUBSCRIPTION_MISSING(Fault.CALLER, false),
    /// There is no such stream.
    STREAM_MISSING(Fault.CALLER, false),
    /// The stream was deleted while the command waited at it.
    STREAM_DELETED(Fault.CALLER, true),
    /// The stream has no buffer, and the sender does not wait for a receiver.
    NO_BUFFER(Fault.CALLER, false),
    /// The name is taken by another exchange.
    EXCHANGE_EXISTS(Fault.CALLER, false),
    /// There is no such exchange.
    EXCHANGE_MISSING(Fault.CALLER, false),
    /// The name is taken by another queue or by a subscription.
    QUEUE_EXISTS(Fault.CALLER, false),
    /// There is no such queue.
    QUEUE_MISSING(Fault.CALLER, false),
    /// The queue is not bound so.
    BINDING_MISSING(Fault.CALLER, false),
    /// There is no such client.
    CLIENT_MISSING(Fault.CALLER, false),
    /// There are as many of these as there may be.
    LIMIT_REACHED(Fault.CALLER, false),
    /// The idempotency key belongs to another request.
    KEY_REUSED(Fault.CALLER, false),
    /// There are as many idempotency keys in use as there may be.
    TOO_MANY_KEYS(Fault.CALLER, true),
    /// The topic is not the one the command was authorised for; authorise again.
    STALE_AUTHORITY(Fault.CALLER, true),
    /// Too many commands wait for the store.
    OVERLOADED(Fault.SERVER, true),
    /// The store takes no writes now; nothing was written.
    STORE_UNAVAILABLE(Fault.SERVER, true),
    /// The store failed and has not come back: what was asked may or may not have been written.
    OUTCOME_UNKNOWN(Fault.SERVER, true),
    /// Another server has taken over the slot.
    FENCED(Fault.SERVER, true),
    /// The entry of that name is damaged and kept aside.
    DAMAGED(Fault.SERVER, false),
    /// No numbers are left for further topics.
    EXHAUSTED(Fault.SERVER, false),
    /// A fault of this program; its log tells.
    INTERNAL(Fault.SERVER, false);

    private final Fault fault;
    private final boolean retryable;

    Code(Fault fault, boolean retryable) {
      this.fault = fault;
      this.retryable = retryable;
    }

    /// Who has to change something.
    public Fault fault() {
      return fault;
    }

    /// Whether the same command may work later.
    public boolean retryable() {
      return retryable;
    }
  }

  /// Who has to change something.
  public enum Fault {
    /// Whoever sent the command.
    CALLER,
    /// This server or its store.
    SERVER
  }
}
