// Answers GET / with a small JSON document, and GET /health with "ok". Each of
// the three packages does something, so that a missing file is noticed.
using Newtonsoft.Json;
using Polly;
using Serilog;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddSerilog(log => log.WriteTo.Console());

var app = builder.Build();
app.UseSerilogRequestLogging();

var retry = new ResiliencePipelineBuilder().AddTimeout(TimeSpan.FromSeconds(5)).Build();

app.MapGet("/", () => retry.Execute(() => Results.Content(
    JsonConvert.SerializeObject(new { app = "webapi", os = Environment.OSVersion.ToString() }),
    "application/json")));
app.MapGet("/health", () => "ok");

app.Run();
