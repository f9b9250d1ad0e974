// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server;

import dev.tidings.core.log.Retention;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.store.Durability;
import dev.tidings.server.auth.Logins;
import dev.tidings.server.auth.Passwords;
import dev.tidings.server.exchange.ExchangeApi;
import dev.tidings.server.pubsub.PubsubApi;
import dev.tidings.server.relay.RelayApi;
import dev.tidings.server.streams.StreamsApi;
import dev.tidings.server.tls.TlsSettings;
import dev.tidings.server.wire.Edge;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/// Everything a server is told when it starts.
///
/// @param host address to listen on
/// @param port port to listen on; 0 takes a free one
/// @param tls where TLS is spoken beside that port or instead of it
/// @param eventLoops how many, 1 to 64
/// @param maxConnections open at once; further ones are closed
/// @param shutdownGrace how long requests that are being handled may take when it stops
/// @param maxBody bytes of one request's body
/// @param maxBodies bytes of all bodies being received
/// @param maxFrame bytes of one WebSocket message from a client
/// @param frameCache bytes of encoded frames kept for sockets that are behind
/// @param pages whether the pages about the API are there
/// @param edge what a request meets before its route
/// @param adminSocket where the administrator's Unix socket is made; calls over it are the admin's
/// @param secretKey signs tokens; 32 bytes or more
/// @param logins how long their tokens live and how many there may be
/// @param clientTokenLifetime how long the access tokens of clients live
/// @param passwords how they are hashed
/// @param anonymousUsername who calls without a token act as; also admits only local callers
/// @param durability shown in the metrics
/// @param maxTopicLabels topics shown one by one in the metrics
/// @param node bounds of the core
/// @param retention what topics retain
/// @param backlog what topics retain because subscriptions need it
/// @param maxDelay how far ahead a message may be scheduled
/// @param sweepInterval how often it is looked for messages and logins that are over
/// @param relay bounds of the relay API
/// @param pubsub defaults and bounds of the pubsub API
/// @param streams bounds of the streams API
/// @param exchanges defaults of the exchange API
public record ServerSettings(
    String host,
    int port,
    Optional<TlsSettings> tls,
    int eventLoops,
    int maxConnections,
    Duration shutdownGrace,
    long maxBody,
    long maxBodies,
    int maxFrame,
    long frameCache,
    boolean pages,
    Edge.Settings edge,
    Optional<Path> adminSocket,
    String secretKey,
    Logins.Settings logins,
    Duration clientTokenLifetime,
    Passwords.Settings passwords,
    Optional<String> anonymousUsername,
    Durability durability,
    int maxTopicLabels,
    Node.Limits node,
    Retention.Limits retention,
    Retention.Limits backlog,
    Duration maxDelay,
    Duration sweepInterval,
    RelayApi.Settings relay,
    PubsubApi.Settings pubsub,
    StreamsApi.Settings streams,
    ExchangeApi.Settings exchanges) {}
