// SPDX-License-Identifier: Apache-2.0
/// The pubsub API: topics, subscriptions, clients and their tokens, over HTTP.
@NullMarked
package dev.tidings.server.pubsub;

import org.jspecify.annotations.NullMarked;
