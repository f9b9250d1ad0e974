// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.directory.Binding;
import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Consumer;
import dev.tidings.core.directory.DurableStream;
import dev.tidings.core.directory.Entry;
import dev.tidings.core.directory.Exchange;
import dev.tidings.core.directory.Login;
import dev.tidings.core.directory.Queue;
import dev.tidings.core.directory.SigningKey;
import dev.tidings.core.directory.Subscription;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.log.News;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Gathers, while a batch is shown, what event loops must be told of, and whose commands took
/// authority away.
final class NewsGatherer {
  private final List<Topic> created = new ArrayList<>();
  private final List<Topic> narrowed = new ArrayList<>();
  private final List<Topic> deleted = new ArrayList<>();
  private final Set<String> principals = new LinkedHashSet<>();
  private final Set<Submission<?>> takingAuthority = new LinkedHashSet<>();

  /// `entry` is shown in the place of `before`.
  void shown(Submission<?> by, Optional<Entry> before, Entry entry) {
    switch (entry) {
      case Topic topic -> {
        if (before.isEmpty()) {
          created.add(topic);
        } else if (topic.narrows((Topic) before.get())) {
          narrowed.add(topic);
          takingAuthority.add(by);
        }
      }
      case User user -> {
        if (before.isPresent() && user.narrows((User) before.get())) {
          take(by, user.id());
        }
      }
      case Login login -> {
        if (login.isRevoked()) {
          take(by, login.userId());
        }
      }
      case Client client -> {
        // Every change ends its tokens.
        if (before.isPresent()) {
          take(by, client.id());
        }
      }
      case Consumer _,
          Subscription _,
          DurableStream _,
          SigningKey _,
          Exchange _,
          Queue _,
          Binding _ -> {}
    }
  }

  /// `entry` is gone.
  void hidden(Submission<?> by, Entry entry) {
    switch (entry) {
      case Topic topic -> {
        created.remove(topic);
        deleted.add(topic);
        takingAuthority.add(by);
      }
      case User user -> take(by, user.id());
      case Client client -> take(by, client.id());
      // A login goes when its tokens have ended, or with its user.
      case Login _,
          Consumer _,
          Subscription _,
          DurableStream _,
          SigningKey _,
          Exchange _,
          Queue _,
          Binding _ -> {}
    }
  }

  private void take(Submission<?> by, String principalId) {
    principals.add(principalId);
    takingAuthority.add(by);
  }

  /// The answer to a command that may take authority away is to be given, whatever it did.
  void answering(Submission<?> submission) {
    if (submission.command().takesAuthority()) {
      takingAuthority.add(submission);
    }
  }

  /// Whether the answer has to wait until everyone has passed what it tells.
  boolean holds(Submission<?> submission) {
    return !takingAuthority.isEmpty() && takingAuthority.contains(submission);
  }

  /// The commands whose answers have to wait so.
  List<Submission<?>> held() {
    return List.copyOf(takingAuthority);
  }

  News news() {
    return created.isEmpty() && takingAuthority.isEmpty()
        ? News.NONE
        : new News(created, narrowed, deleted, principals);
  }
}
