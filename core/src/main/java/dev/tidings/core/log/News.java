// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.log;

import dev.tidings.core.directory.Topic;
import java.util.List;
import java.util.Set;

/// What has become known of topics, users and clients since an event loop was last told.
///
/// @param created topics that did not exist before
/// @param narrowed topics that some who could read them may not read any more
/// @param deleted topics that are gone
/// @param principals ids of users and clients who may do less than before or are gone, and of users
///   who have ended a login
public record News(
    List<Topic> created, List<Topic> narrowed, List<Topic> deleted, Set<String> principals) {

  /// Nothing has.
  public static final News NONE = new News(List.of(), List.of(), List.of(), Set.of());

  public News {
    created = List.copyOf(created);
    narrowed = List.copyOf(narrowed);
    deleted = List.copyOf(deleted);
    principals = Set.copyOf(principals);
  }
}
