using Microsoft.Data.Sqlite;

namespace Shop.Store;

/// <summary>The products, in an SQLite database in memory that seed.sql fills.</summary>
public sealed class Catalog : IDisposable
{
    private readonly SqliteConnection connection = new("Data Source=:memory:");

    public Catalog()
    {
        connection.Open();
        using var seed = connection.CreateCommand();
        seed.CommandText = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "seed.sql"));
        seed.ExecuteNonQuery();
    }

    /// <summary>All products, cheapest first; prices are in cents.</summary>
    public IReadOnlyList<(string Name, long Price)> Products()
    {
        using var query = connection.CreateCommand();
        query.CommandText = "SELECT name, price FROM product ORDER BY price";
        using var rows = query.ExecuteReader();
        var products = new List<(string, long)>();
        while (rows.Read())
        {
            products.Add((rows.GetString(0), rows.GetInt64(1)));
        }
        return products;
    }

    /// <summary>The version of the native SQLite library.</summary>
    public string Engine => connection.ServerVersion;

    public void Dispose() => connection.Dispose();
}
