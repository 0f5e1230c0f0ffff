// Prints one line: its arguments, the variable GREETING, and the Windows build
// that it runs on.
var greeting = Environment.GetEnvironmentVariable("GREETING") ?? "Hello";
var who = args.Length > 0 ? string.Join(" ", args) : "container";
Console.WriteLine($"{greeting}, {who}! This is {Environment.OSVersion}.");
