// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.vertx.core.http.HttpHeaders;

/// Names of headers, kept as the bytes that go out.
final class Headers {
  static final CharSequence REQUEST_ID = HttpHeaders.createOptimized("x-request-id");
  static final CharSequence ALLOW = HttpHeaders.createOptimized("allow");
  static final CharSequence RETRY_AFTER = HttpHeaders.createOptimized("retry-after");
  static final CharSequence FORWARDED_FOR = HttpHeaders.createOptimized("x-forwarded-for");
  static final CharSequence LIMIT = HttpHeaders.createOptimized("x-ratelimit-limit");
  static final CharSequence REMAINING = HttpHeaders.createOptimized("x-ratelimit-remaining");
  static final CharSequence RESET = HttpHeaders.createOptimized("x-ratelimit-reset");

  private Headers() {}
}
