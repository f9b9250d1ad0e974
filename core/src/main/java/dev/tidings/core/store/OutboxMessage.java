// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

import dev.tidings.core.message.NewMessage;

/// A message that an application left in an [Outbox].
///
/// @param id rises; of two transactions of which one ended before the other began, the earlier has
///   the lower ids. There are gaps, and lower ones may appear after higher ones
/// @param topic the name of the topic it is for
/// @param message what is to be published, at once
public record OutboxMessage(long id, String topic, NewMessage message) {}
