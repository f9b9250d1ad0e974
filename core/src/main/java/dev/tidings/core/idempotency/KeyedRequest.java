// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.idempotency;

/// The part of a request that concerns one topic, sent under an idempotency key.
///
/// @param userId who sent it: keys of different users have nothing to do with each other
/// @param key as the client chose it
/// @param item which part of the request, from 0
/// @param fingerprint of the whole request
public record KeyedRequest(String userId, String key, int item, Fingerprint fingerprint) {}
