// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench;

import dev.tidings.bench.load.BenchException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Writes a report for programs: machine, options, and every figure of every run.
final class ReportJson {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private ReportJson() {}

  static void write(
      Path file, String what, Machine machine, Map<String, Object> options, Report report) {
    try {
      Files.writeString(file, render(what, machine, options, report) + "\n");
    } catch (IOException e) {
      throw new BenchException(
          "cannot write the figures to " + file + " (expected: a file that can be written): " + e,
          e);
    }
  }

  static String render(String what, Machine machine, Map<String, Object> options, Report report) {
    ObjectNode root = JSON.createObjectNode();
    root.put("what", what);
    root.putObject("machine")
        .put("cpu", machine.cpu())
        .put("cores", machine.cores())
        .put("memory_mib", machine.memoryMib())
        .put("kernel", machine.kernel())
        .put("java", machine.java())
        .put("date", machine.date());
    ObjectNode given = root.putObject("options");
    options.forEach((name, value) -> given.putPOJO(name, value));
    ArrayNode figures = root.putArray("figures");
    report.figures().forEach(figure -> add(figures.addObject(), figure));
    ArrayNode notes = root.putArray("notes");
    report.notes().forEach(notes::add);
    return JSON.writeValueAsString(root);
  }

  private static void add(ObjectNode node, Figure figure) {
    node.put("scenario", figure.scenario()).put("figure", figure.name()).put("unit", figure.unit());
    figure
        .goalText()
        .ifPresent(text -> {
          ObjectNode target = node.putObject("target");
          target.put("text", text).put("met_in_runs", figure.runsThatMetTheGoal());
          ArrayNode limits = target.putArray("limits");
          figure.goals().forEach(goal -> limits.add(goal.limit()));
        });
    node.put("min", figure.min()).put("median", figure.median()).put("max", figure.max());
    ArrayNode runs = node.putArray("runs");
    figure.values().forEach(runs::add);
  }
}
