/** The page's own script: draws the charts, in the colours of the reader's theme. */
export const client = `(() => {
  "use strict"
  const specs = JSON.parse(document.getElementById("charts").textContent)
  const drawn = new Map()
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim()
  const percent = (share) => Math.round(share * 1000) / 10 + " %"
  const format = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 })
  const figure = (value) => value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(1) : format.format(value)
  const sum = (values) => values.reduce((all, value) => all + value, 0)

  const legend = (shown) => ({
    display: shown,
    position: "top",
    align: "start",
    labels: { boxWidth: 10, boxHeight: 10, padding: 14, filter: ({ text }) => text !== "" }
  })

  // The 95 % interval as a whisker on its bar, and the bar's value beside it.
  const whiskers = {
    id: "whiskers",
    afterDatasetsDraw(chart) {
      const { ctx, data, scales: { x } } = chart
      ctx.save()
      ctx.strokeStyle = ctx.fillStyle = color("ink")
      ctx.lineWidth = 1.25
      ctx.textBaseline = "middle"
      ctx.font = "600 11px " + Chart.defaults.font.family
      data.datasets.forEach(({ data: values, intervals }, d) => chart.getDatasetMeta(d).data.forEach((bar, i) => {
        const [low, high] = intervals[i].map((share) => x.getPixelForValue(share))
        const cap = Math.min(4, bar.height / 3)
        ctx.beginPath()
        ctx.moveTo(low, bar.y)
        ctx.lineTo(high, bar.y)
        for (const end of [low, high]) {
          ctx.moveTo(end, bar.y - cap)
          ctx.lineTo(end, bar.y + cap)
        }
        ctx.stroke()
        ctx.fillText((values[i] * 100).toFixed(1), Math.max(high, bar.x) + 6, bar.y)
      }))
      ctx.restore()
    }
  }

  // The count of a part, where there is room for it.
  const counts = {
    id: "counts",
    afterDatasetsDraw(chart) {
      const { ctx, data } = chart
      ctx.save()
      ctx.fillStyle = color("on-bar")
      ctx.textAlign = "center"
      ctx.textBaseline = "middle"
      ctx.font = "600 11px " + Chart.defaults.font.family
      data.datasets.forEach(({ counts }, d) => chart.getDatasetMeta(d).data.forEach((bar, i) => {
        const text = String(counts[i])
        const { base, x, y } = bar.getProps(["base", "x", "y"], true)
        if (x - base > ctx.measureText(text).width + 8) ctx.fillText(text, (base + x) / 2, y)
      }))
      ctx.restore()
    }
  }

  const category = (labels) => ({
    border: { display: false },
    grid: { display: false },
    ticks: {
      autoSkip: false,
      color: color("ink"),
      // Long names take two lines where the page is narrow.
      callback: (_, i) => {
        const at = labels[i].indexOf(" ", 7)
        const fits = innerWidth > 640 || labels[i].length < 17 || at < 0
        return fits ? labels[i] : [labels[i].slice(0, at), labels[i].slice(at + 1)]
      }
    }
  })

  const shares = (stepSize) => ({
    min: 0,
    max: 1,
    border: { display: false },
    ticks: { stepSize, maxRotation: 0, callback: percent }
  })

  const bars = ({ labels, series }) => ({
    type: "bar",
    data: {
      labels,
      datasets: series.map((one) => ({
        label: one.label,
        data: one.values,
        intervals: one.intervals,
        backgroundColor: color(one.color),
        borderRadius: 2,
        barPercentage: 0.86,
        categoryPercentage: 0.74
      }))
    },
    options: {
      indexAxis: "y",
      layout: { padding: { right: 44 } },
      scales: {
        x: shares(innerWidth > 640 ? 0.2 : 0.25),
        y: category(labels)
      },
      plugins: {
        legend: legend(true),
        tooltip: {
          callbacks: {
            label: ({ dataIndex, dataset: { intervals, label }, raw }) =>
              " " + label + ": " + percent(raw) + " (95 %: " + intervals[dataIndex].map(percent).join(" to ") + ")"
          }
        }
      }
    },
    plugins: [whiskers]
  })

  const stack = ({ labels, series }) => {
    const totals = labels.map((_, i) => sum(series.map(({ values }) => values[i])))
    return {
      type: "bar",
      data: {
        labels,
        datasets: series.map((one) => ({
          label: one.label,
          data: one.values.map((value, i) => value / Math.max(totals[i], 1)),
          counts: one.values,
          backgroundColor: color(one.color),
          borderColor: color("page"),
          borderWidth: { right: 1 },
          categoryPercentage: 0.7
        }))
      },
      options: {
        indexAxis: "y",
        scales: {
          x: { ...shares(0.25), stacked: true },
          y: { ...category(labels), stacked: true }
        },
        plugins: {
          legend: legend(true),
          tooltip: {
            callbacks: {
              label: ({ dataIndex, dataset: { counts, label }, raw }) =>
                " " + label + ": " + counts[dataIndex] + " (" + percent(raw) + ")"
            }
          }
        }
      },
      plugins: [counts]
    }
  }

  const curves = ({ filled, fromZero, series, unit, x }) => {
    const shown = unit === "percent" ? percent : figure
    const data = (values) => values.map((y, i) => ({ x: x[i], y }))
    const points = series.filter((one) => one.points).map((one) => ({
      label: "",
      data: data(one.points),
      showLine: false,
      pointRadius: x.length > 150 ? 1.5 : 2,
      pointBackgroundColor: color(one.color) + "70",
      pointBorderWidth: 0,
      clip: 4
    }))
    const lines = series.map((one, i) => ({
      label: one.label,
      data: data(one.line),
      borderColor: color(one.color),
      backgroundColor: color(one.color) + (filled ? "cc" : ""),
      borderWidth: filled ? 0 : 2,
      pointRadius: x.length === 1 && !one.points ? 3 : 0,
      pointHoverRadius: 3,
      tension: 0.25,
      spanGaps: true,
      fill: filled ? (i === 0 ? "origin" : "-1") : false
    }))
    return {
      type: "line",
      data: { datasets: [...lines, ...points] },
      options: {
        interaction: { mode: "index", axis: "x", intersect: false },
        scales: {
          x: {
            type: "linear",
            min: x.length > 1 ? x[0] : x[0] - 1,
            max: x.length > 1 ? x[x.length - 1] : x[0] + 1,
            grid: { display: false },
            ticks: { maxTicksLimit: 6, maxRotation: 0, precision: 0, includeBounds: x.length > 1 }
          },
          y: {
            beginAtZero: fromZero,
            stacked: filled,
            ...(filled ? { min: 0, max: 1 } : {}),
            border: { display: false },
            grace: filled ? 0 : "5%",
            ticks: { maxTicksLimit: 6, callback: shown }
          }
        },
        plugins: {
          legend: legend(series.length > 1),
          tooltip: {
            callbacks: {
              title: ([first]) => first ? "step " + first.parsed.x : "",
              label: ({ dataset: { label }, parsed: { y } }) => " " + (label || "this step") + ": " + shown(y)
            }
          }
        }
      }
    }
  }

  const histogram = ({ labels, series }) => ({
    type: "bar",
    data: {
      labels,
      datasets: series.map((one) => ({
        label: one.label,
        data: one.values,
        backgroundColor: color(one.color),
        borderRadius: 2,
        barPercentage: 0.95,
        categoryPercentage: 0.85
      }))
    },
    options: {
      scales: {
        x: { grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 8 } },
        y: { beginAtZero: true, border: { display: false }, ticks: { maxTicksLimit: 5, callback: percent } }
      },
      plugins: {
        legend: legend(true),
        tooltip: { callbacks: { label: ({ dataset: { label }, raw }) => " " + label + ": " + percent(raw) } }
      }
    }
  })

  // Three lines for each: the band lies between the first two, the mean is on top.
  const bands = ({ fromZero, series, unit }) => {
    const shown = unit === "percent" ? percent : figure
    const data = ({ x }, values) => values.map((y, i) => ({ x: x[i], y }))
    const edge = { pointRadius: 0, borderWidth: 0, tension: 0.25, spanGaps: true, label: "" }
    const longest = Math.max(...series.map(({ x }) => x.length))
    return {
      type: "line",
      data: {
        datasets: series.flatMap((one) => [
          { ...edge, data: data(one, one.low), fill: false },
          { ...edge, data: data(one, one.high), fill: "-1", backgroundColor: color(one.color) + "30" },
          {
            label: one.label,
            data: data(one, one.mean),
            borderColor: color(one.color),
            backgroundColor: color(one.color),
            borderWidth: 2,
            pointRadius: longest === 1 ? 3 : 0,
            pointHoverRadius: 3,
            tension: 0.25,
            spanGaps: true,
            fill: false
          }
        ])
      },
      options: {
        interaction: { mode: "index", axis: "x", intersect: false },
        scales: {
          x: {
            type: "linear",
            grid: { display: false },
            ticks: { maxTicksLimit: 6, maxRotation: 0, precision: 0 }
          },
          y: {
            beginAtZero: fromZero,
            border: { display: false },
            grace: "5%",
            ticks: { maxTicksLimit: 6, callback: shown }
          }
        },
        plugins: {
          legend: legend(series.length > 1),
          tooltip: {
            filter: ({ dataset: { label } }) => label !== "",
            callbacks: {
              title: ([first]) => first ? "step " + first.parsed.x : "",
              label: ({ chart, dataIndex, dataset: { label }, datasetIndex, parsed: { y } }) => {
                const [low, high] = [2, 1].map((back) => chart.data.datasets[datasetIndex - back].data[dataIndex].y)
                return " " + label + ": " + shown(y) + " (" + shown(low) + " to " + shown(high) + ")"
              }
            }
          }
        }
      }
    }
  }

  const kinds = { bars, stack, curves, histogram, bands }
  const draw = (canvas) => {
    drawn.get(canvas)?.destroy()
    const spec = specs[Number(canvas.dataset.chart)]
    drawn.set(canvas, new Chart(canvas, kinds[spec.kind](spec)))
  }
  // A canvas in closed details has no size; it is drawn when they are opened.
  const visible = (canvas) => canvas.closest("details:not([open])") === null
  const drawAll = () => {
    Object.assign(Chart.defaults, {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      color: color("muted"),
      borderColor: color("rule")
    })
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily
    Chart.defaults.font.size = 12
    document.querySelectorAll("canvas[data-chart]").forEach((canvas) => visible(canvas) && draw(canvas))
  }
  drawAll()
  document.querySelectorAll("details").forEach((details) =>
    details.addEventListener("toggle", () => {
      if (!details.open) return
      details.querySelectorAll("canvas[data-chart]").forEach((canvas) => drawn.has(canvas) || draw(canvas))
    }))
  for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", drawAll)
})()
`
