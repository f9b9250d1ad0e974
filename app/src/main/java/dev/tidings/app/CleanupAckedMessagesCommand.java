// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.InvalidConfigException;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// Has the server clean up now; messages that are acked take no room of their own.
@Command(
    name = "cleanup-acked-messages",
    aliases = "cleanup_acked_messages",
    description = {
      "Have a running server clean up now.",
      "Servers do it by themselves: nobody needs to call this, from cron or otherwise."
    },
    footerHeading = "%nExample:%n",
    footer = "  tidings cleanup-acked-messages --data-dir /var/lib/tidings")
final class CleanupAckedMessagesCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private CleanupOptions options = new CleanupOptions();

  @Override
  public Integer call()
      throws InvalidConfigException, CommandException, IOException, InterruptedException {
    options.run(Cleanup.What.ACKED_MESSAGES, Console.of(spec));
    return 0;
  }
}
