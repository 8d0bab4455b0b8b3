"use strict";
window.addEventListener("error", (event) => { document.documentElement.dataset.error = event.message; });
(() => {
    const data = JSON.parse(document.getElementById("data").textContent);
    const at = (id) => document.getElementById(id);
    const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

    // Everything from the file goes through here: as text, never as markup.
    const make = (tag, attributes, ...children) => {
        const element = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes || {})) {
            element.setAttribute(name, value);
        }
        element.append(...children);
        return element;
    };

    /// Once for many events, and soon: a hidden page has no frames.
    const inNextFrame = (work) => {
        let done = false;
        const once = () => {
            if (!done) {
                done = true;
                work();
            }
        };
        requestAnimationFrame(once);
        setTimeout(once, 100);
    };

    // ---- numbers ----------------------------------------------------------------------------
    const decode = (id, Type) => {
        const element = at("block-" + id);
        if (!element) return null;
        const text = atob(element.textContent);
        element.remove(); // the text is no longer needed
        const bytes = new Uint8Array(text.length);
        for (let k = 0; k < text.length; ++k) bytes[k] = text.charCodeAt(k);
        return new Type(bytes.buffer);
    };
    const count = data.points;
    const x = (() => {
        const given = decode("x", Float64Array);
        if (given) return given;
        const regular = new Float64Array(count);
        for (let k = 0; k < count; ++k) regular[k] = data.axis.start + k * data.axis.step;
        return regular;
    })();
    const score = decode("score", Float32Array);
    const threshold = decode("threshold", Float32Array) ||
        new Float32Array(count).fill(data.threshold === null ? NaN : data.threshold);
    const seen = data.names.map((_, k) => decode("seen-" + k, Float32Array));
    const expected = data.names.map((_, k) => {
        const values = decode("expected-" + k, Float32Array);
        if (!values) return null;
        const spread = new Float32Array(count).fill(NaN);
        let from = 0;
        for (const [begin, size] of data.expected_runs) {
            spread.set(values.subarray(from, from + size), begin);
            from += size;
        }
        return spread;
    });

    const number = (value) => {
        if (value === null || !Number.isFinite(value)) return "-";
        const size = Math.abs(value);
        if (size !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(2);
        return String(Number(value.toPrecision(4)));
    };
    /// A value of sensor k as in the file.
    const ofSensor = (k, value) => {
        if (value === null || !Number.isFinite(value)) return "-";
        return data.offsets[k] === 0 ? number(value) : String(Number((value + data.offsets[k]).toPrecision(12)));
    };
    const times = (value) => (value === null || !Number.isFinite(value) ? "-" : value >= 100 ? whole(Math.round(value)) : String(Number(value.toPrecision(2))));
    const whole = (value) => value.toLocaleString("en-GB").replace(/,/g, "\u202f");
    const first = count > 0 ? x[0] : 0;
    const last = count > 0 ? x[count - 1] : 1;
    const step = data.axis.usual_step;
    const timed = data.axis.kind === "time";
    const when = (value) => {
        if (!timed) return (data.axis.kind === "row" ? "row " : "") + number(value);
        const text = new Date(Math.round(value * 1e3)).toISOString();
        return text.slice(0, 10) + " " + (step < 1 ? text.slice(11, 23) : text.slice(11, 19));
    };

    /// The smallest k with x[k] >= value.
    const position = (value) => {
        let low = 0;
        let high = count;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (x[middle] < value) low = middle + 1;
            else high = middle;
        }
        return low;
    };

    /// Positions of the smallest and the largest value of every block of 64 rows, -1 for none:
    /// computed once, so that long recordings are not scanned again for each redraw.
    const blockSize = 64;
    const known = new Map();
    const blocksOf = (values) => {
        if (!known.has(values)) {
            const blocks = Math.ceil(count / blockSize);
            const least = new Int32Array(blocks).fill(-1);
            const most = new Int32Array(blocks).fill(-1);
            for (let k = 0; k < count; ++k) {
                const value = values[k];
                const block = Math.floor(k / blockSize);
                if (Number.isNaN(value)) continue;
                if (least[block] < 0 || value < values[least[block]]) least[block] = k;
                if (most[block] < 0 || value > values[most[block]]) most[block] = k;
            }
            known.set(values, { least, most });
        }
        return known.get(values);
    };
    /// Positions of the smallest and the largest value in [from, to), -1 for none.
    const extremes = (values, from, to) => {
        let least = -1;
        let most = -1;
        const look = (k) => {
            if (k < 0 || Number.isNaN(values[k])) return;
            if (least < 0 || values[k] < values[least]) least = k;
            if (most < 0 || values[k] > values[most]) most = k;
        };
        if (to - from < 2 * blockSize) {
            for (let k = from; k < to; ++k) look(k);
            return [least, most];
        }
        const blocks = blocksOf(values);
        const begin = Math.ceil(from / blockSize);
        const end = Math.floor(to / blockSize);
        for (let k = from; k < begin * blockSize; ++k) look(k);
        for (let block = begin; block < end; ++block) {
            look(blocks.least[block]);
            look(blocks.most[block]);
        }
        for (let k = end * blockSize; k < to; ++k) look(k);
        return [least, most];
    };

    /// Points for a chart of `width` pixels: all of them if they are few, else the smallest and the
    /// largest value of every pixel, in the order in which they occur.
    const thin = (low, high, width, columns) => {
        const begin = Math.max(0, position(low) - 1);
        const end = Math.min(count, position(high) + 2);
        const xs = [];
        const ys = columns.map(() => []);
        const put = (k) => {
            xs.push(x[k]);
            columns.forEach((values, c) => ys[c].push(Number.isNaN(values[k]) ? null : values[k]));
        };
        const gap = 10 * step * data.rows_per_point;
        const interrupt = (k) => {
            if (k > begin && x[k] - x[k - 1] > gap) {
                xs.push((x[k] + x[k - 1]) / 2);
                ys.forEach((values) => values.push(null));
            }
        };
        if (end - begin <= 3 * width) {
            for (let k = begin; k < end; ++k) {
                interrupt(k);
                put(k);
            }
            return [xs, ...ys];
        }
        const per = (end - begin) / width;
        for (let bucket = 0; bucket < width; ++bucket) {
            const from = begin + Math.floor(bucket * per);
            const to = begin + Math.floor((bucket + 1) * per);
            if (to <= from) continue;
            interrupt(from);
            xs.push(x[from], x[(from + to) >> 1]);
            columns.forEach((values, c) => {
                const [least, most] = extremes(values, from, to);
                if (least < 0) ys[c].push(null, null); // nothing but missing values
                else ys[c].push(values[Math.min(least, most)], values[Math.max(least, most)]);
            });
        }
        return [xs, ...ys];
    };

    // ---- charts -----------------------------------------------------------------------------
    let low = first;
    let high = last > first ? last : first + 1;
    let panning = false;
    // Charts score by the logarithm of how rare a row is.
    let logarithmic = !data.score_is_logarithm;
    const beyond = (score, threshold) => data.score_is_logarithm ? 10 ** (score - threshold) : score / threshold;
    const beyondText = data.score_is_logarithm ? "times rarer than promised" : "times the threshold";
    let panels = [];
    let overview = null;
    let chosen = -1;

    const bands = (u) => {
        const { left, top, width, height } = u.bbox;
        const context = u.ctx;
        const least = 2 * devicePixelRatio;
        context.save();
        context.beginPath();
        context.rect(left, top, width, height);
        context.clip();
        const paint = (from, to, fill, y, tall) => {
            const a = u.valToPos(from, "x", true);
            const b = u.valToPos(to, "x", true);
            if (b < left || a > left + width) return;
            context.fillStyle = fill;
            context.fillRect(a, y, Math.max(b - a, least), tall);
        };
        for (const [from, to] of data.labels) {
            paint(from, to, css("--label"), top, 5 * devicePixelRatio);
        }
        const fill = css("--alarm");
        data.alarms.forEach((alarm) => paint(alarm.x[0], alarm.x[1], fill, top, height));
        if (chosen >= 0) {
            const alarm = data.alarms[chosen];
            paint(alarm.x[2], alarm.x[2], css("--alarm-edge"), top, height);
        }
        context.restore();
    };
    /// Times as 24 hours, with the date below where it is new.
    const timeLabels = (u, splits, axis, space, step) => {
        let before = "";
        return splits.map((value) => {
            if (value === null) return "";
            const text = new Date(Math.round(value * 1e3)).toISOString();
            const date = text.slice(0, 10);
            const clock = step >= 60 ? text.slice(11, 16) : step >= 1 ? text.slice(11, 19) : text.slice(11, 23);
            const isNew = date !== before;
            before = date;
            return step >= 86400 ? date : isNew ? clock + "\n" + date : clock;
        });
    };
    const tens = (u, splits) => splits.map((v) => (v > 0 && Math.abs(Math.log10(v) % 1) < 1e-9 ? v : null));
    const axes = (withTimes, log, epochs) => [
        {
            stroke: css("--muted"), grid: { stroke: css("--grid"), width: 1 }, ticks: { stroke: css("--line"), width: 1 },
            font: "12px system-ui, sans-serif", space: 90, size: withTimes ? 46 : 6,
            ...(withTimes && !epochs && !timed ? { size: 28, label: data.axis.kind === "row" ? "row" : "time, as written", labelSize: 18, labelFont: "12px system-ui, sans-serif" } : {}),
            values: !withTimes ? () => [] : timed && !epochs ? timeLabels : (u, splits) => splits.map((v) => (v === null ? "" : String(v))),
        },
        {
            stroke: css("--muted"), grid: { stroke: css("--grid"), width: 1, ...(log ? { filter: tens } : {}) },
            ticks: { stroke: css("--line"), width: 1, ...(log ? { filter: tens } : {}) },
            font: "12px system-ui, sans-serif", size: 64, space: log ? 18 : 28, ...(log ? { filter: tens } : {}),
            values: (u, splits) => splits.map((v) => (v === null ? "" : number(v))),
        },
    ];
    const scaleX = { time: timed, auto: false, range: (u, min, max) => [min, max] };
    const utc = (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC");

    const bind = {
        mousedown: (u, target, handler) => (event) => { if (!panning && !event.shiftKey) handler(event); },
        dblclick: () => () => show(first, last),
    };
    let pending = 0;
    let under = null;
    const readAll = () => {
        pending = 0;
        for (const panel of panels) panel.read(under);
    };
    const point = (u) => {
        if (u.cursor.left === null || u.cursor.left < 0) under = null;
        else {
            const value = u.posToVal(u.cursor.left, "x");
            let k = position(value);
            if (k > 0 && (k >= count || value - x[k - 1] < x[k] - value)) --k;
            under = count > 0 ? k : null;
        }
        if (!pending) pending = requestAnimationFrame(readAll);
    };
    const drag = (u) => {
        const over = u.over;
        over.addEventListener("pointerdown", (event) => {
            if (event.button !== 0 || !(panning || event.shiftKey)) return;
            event.preventDefault();
            over.setPointerCapture(event.pointerId);
            const from = [event.clientX, low, high];
            const move = (now) => {
                const moved = ((from[0] - now.clientX) / over.clientWidth) * (from[2] - from[1]);
                show(from[1] + moved, from[2] + moved);
            };
            over.addEventListener("pointermove", move);
            over.addEventListener("pointerup", () => over.removeEventListener("pointermove", move), { once: true });
        });
        over.addEventListener("wheel", (event) => {
            if (event.ctrlKey || event.metaKey) {
                const middle = u.posToVal(event.offsetX, "x");
                const factor = Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300)));
                event.preventDefault();
                show(middle - (middle - low) * factor, middle + (high - middle) * factor);
            } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
                event.preventDefault();
                const moved = ((event.deltaX || event.deltaY) / over.clientWidth) * (high - low);
                show(low + moved, high + moved);
            }
        }, { passive: false });
    };

    const addPanel = (holder, title, columns, options) => {
        const read = make("span", { class: "read" });
        const body = make("div");
        holder.append(make("div", { class: "panel" }, make("div", { class: "head" }, make("b", {}, title), read), body));
        const width = () => Math.max(200, Math.floor(body.clientWidth));
        const values = columns.map((column) => column.values);
        const points = () => {
            const thinned = thin(low, high, width(), values);
            if (options.floor) {
                for (let c = 1; c < thinned.length; ++c) {
                    thinned[c] = thinned[c].map((v) => (v === null ? null : Math.max(v, options.floor)));
                }
            }
            return thinned;
        };
        const u = new uPlot({
            width: width(), height: options.height + (options.times ? 40 : 0), tzDate: utc, padding: [6, 10, 0, 0],
            legend: { show: false },
            cursor: { sync: { key: "recording" }, drag: { x: true, y: false, setScale: false }, points: { show: false }, bind, y: false },
            scales: { x: scaleX, y: options.floor ? { distr: 3 } : { range: (chart, min, max) => (min === null ? [0, 1] : uPlot.rangeNum(min, max, 0.08, true)) } },
            axes: axes(options.times, options.floor > 0),
            series: [{}, ...columns.map((column) => ({
                stroke: css(column.colour), width: column.width || 1.25, dash: column.dash, points: { show: false }, spanGaps: false,
            }))],
            hooks: {
                drawClear: [bands], setCursor: [point],
                setSelect: [(chart) => {
                    if (chart.select.width < 3) return;
                    const from = chart.posToVal(chart.select.left, "x");
                    const to = chart.posToVal(chart.select.left + chart.select.width, "x");
                    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
                    show(from, to);
                }],
            },
        }, points(), body);
        u.setScale("x", { min: low, max: high });
        drag(u);
        panels.push({
            u,
            update: () => u.batch(() => {
                u.setData(points(), false);
                u.setScale("x", { min: low, max: high });
            }),
            resize: () => u.setSize({ width: width(), height: options.height + (options.times ? 40 : 0) }),
            read: (k) => {
                read.textContent = k === null ? "" : when(x[k]) + columns.filter((c) => Number.isFinite(c.values[k]))
                    .map((c) => "   " + c.label + " " + number(c.values[k])).join("");
            },
        });
    };

    const carried = data.names.map((_, k) => data.alarms.reduce((sum, alarm) =>
        sum + (alarm.sensors.find((sensor) => sensor.feature === k) || { share: 0 }).share, 0));
    const most = 10;
    const visible = new Set(data.names.map((_, k) => k).sort((a, b) => carried[b] - carried[a] || a - b).slice(0, most));

    const build = () => {
        panels.forEach((panel) => panel.u.destroy());
        panels = [];
        const holder = at("panels");
        holder.replaceChildren();
        const floor = Math.max(1e-6, (data.threshold_floor || 1) / 1000);
        addPanel(holder, "Score", [
            { values: score, colour: "--score", label: "score" },
            { values: threshold, colour: "--threshold", label: "threshold", dash: [6, 4], width: 1.5 },
        ], { height: 150, floor: logarithmic ? floor : 0, times: visible.size === 0 });
        const shown = [...visible].sort((a, b) => a - b);
        shown.forEach((k, index) => {
            const columns = [{ values: seen[k], colour: "--seen", label: "seen" }];
            if (expected[k]) columns.push({ values: expected[k], colour: "--expected", label: "expected", dash: [4, 3] });
            addPanel(holder, data.names[k] + (data.offsets[k] === 0 ? "" : " minus " + data.offsets[k]), columns, { height: 120, floor: 0, times: index + 1 === shown.length });
        });
        buildOverview();
    };

    const buildOverview = () => {
        if (overview) overview.destroy();
        const holder = at("overview");
        const width = Math.max(200, Math.floor(holder.clientWidth));
        const floor = Math.max(1e-6, (data.threshold_floor || 1) / 1000);
        const points = thin(first, last, width, [score]);
        points[1] = points[1].map((v) => (v === null ? null : Math.max(v, floor)));
        overview = new uPlot({
            width, height: 56, padding: [2, 10, 2, 0], legend: { show: false }, cursor: { show: false },
            scales: { x: { time: false, range: () => [first, last > first ? last : first + 1] }, y: { distr: 3 } },
            axes: [{ show: false }, { size: 64, stroke: css("--muted"), values: () => [], grid: { show: false }, ticks: { show: false } }],
            series: [{}, { stroke: css("--muted"), width: 1, points: { show: false } }],
            hooks: { drawClear: [bands] },
        }, points, holder);
        overview.over.addEventListener("pointerdown", (event) => {
            const middle = overview.posToVal(event.offsetX, "x");
            show(middle - (high - low) / 2, middle + (high - low) / 2);
        });
        placeBrush();
    };
    const placeBrush = () => {
        const brush = at("brush");
        brush.hidden = low <= first && high >= last;
        if (!overview || brush.hidden) return;
        const offset = overview.over.offsetLeft;
        const a = overview.valToPos(Math.max(low, first), "x");
        const b = overview.valToPos(Math.min(high, last), "x");
        brush.style.left = offset + a + "px";
        brush.style.width = Math.max(b - a, 6) + "px";
    };
    at("brush").addEventListener("pointerdown", (event) => {
        const brush = at("brush");
        const inside = event.clientX - brush.getBoundingClientRect().left;
        const edge = inside < 6 ? "low" : inside > brush.offsetWidth - 6 ? "high" : "both";
        const from = [event.clientX, low, high];
        brush.setPointerCapture(event.pointerId);
        const move = (now) => {
            const moved = ((now.clientX - from[0]) / overview.over.clientWidth) * (last - first);
            show(from[1] + (edge === "high" ? 0 : moved), from[2] + (edge === "low" ? 0 : moved), edge === "both");
        };
        brush.addEventListener("pointermove", move);
        brush.addEventListener("pointerup", () => brush.removeEventListener("pointermove", move), { once: true });
    });

    const smallest = Math.max(step * 4, (last - first) * 1e-9) || 1;
    let planned = false;
    const show = (from, to, keepWidth = true) => {
        let width = Math.min(Math.max(to - from, smallest), Math.max(last - first, smallest));
        if (!keepWidth && to - from < smallest) to = from + width;
        from = Math.max(first, Math.min(from, last - width));
        if (from < first) from = first;
        low = from;
        high = from + width;
        if (!planned) {
            planned = true;
            inNextFrame(() => {
                planned = false;
                panels.forEach((panel) => panel.update());
                placeBrush();
                note();
            });
        }
    };
    /// For tests: the range in view and the points drawn.
    const note = () => {
        Object.assign(document.documentElement.dataset, {
            low, high, points: panels.reduce((sum, panel) => sum + panel.u.data[0].length, 0),
            largest: panels.slice(1).reduce((most, panel) => panel.u.data[1].reduce((a, b) => Math.max(a, b), most), 0),
        });
    };
    const zoom = (factor) => {
        const middle = (low + high) / 2;
        show(middle - ((high - low) / 2) * factor, middle + ((high - low) / 2) * factor);
    };
    const pan = (part) => show(low + (high - low) * part, high + (high - low) * part);
    const press = (id, on) => at(id).setAttribute("aria-pressed", String(on));
    press("log", logarithmic);
    const setPanning = (on) => {
        panning = on;
        press("drag-pan", on);
        press("drag-zoom", !on);
        at("panels").classList.toggle("panning", on);
    };
    at("drag-zoom").addEventListener("click", () => setPanning(false));
    at("drag-pan").addEventListener("click", () => setPanning(true));
    at("zoom-in").addEventListener("click", () => zoom(0.5));
    at("zoom-out").addEventListener("click", () => zoom(2));
    at("pan-left").addEventListener("click", () => pan(-0.4));
    at("pan-right").addEventListener("click", () => pan(0.4));
    at("reset").addEventListener("click", () => show(first, last));
    at("log").addEventListener("click", () => {
        logarithmic = !logarithmic;
        press("log", logarithmic);
        build();
    });
    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
        const action = {
            "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), "0": () => show(first, last),
            ArrowLeft: () => pan(-0.4), ArrowRight: () => pan(0.4),
        }[event.key];
        if (action) {
            event.preventDefault();
            action();
        }
    });

    // ---- words and tables -------------------------------------------------------------------
    at("title").textContent = data.data;
    const span = count > 0 && timed ? when(first) + " to " + when(last) + (data.axis.zone ? " " + data.axis.zone : "") : "";
    at("subtitle").textContent = [span, "judged by " + data.model, data.axis.note].filter(Boolean).join(" \u00b7 ");
    const fact = (value, label, alert) => at("facts").append(
        make("div", { class: alert ? "fact alert" : "fact" }, make("b", {}, value), make("span", { class: "muted small" }, label)));
    const plural = (n, word) => word + (n === 1 ? "" : "s");
    fact(whole(data.alarm_count), plural(data.alarm_count, "alarm"), data.alarm_count > 0);
    fact(whole(data.alarm_rows), plural(data.alarm_rows, "row") + " in alarm, " +
        (data.rows > 0 ? Number((100 * data.alarm_rows / data.rows).toPrecision(2)) : 0) + " %");
    fact(number(data.largest), "largest score" + (data.threshold_floor > 0 && Number.isFinite(data.largest / data.threshold_floor)
        ? ", " + times(beyond(data.largest, data.threshold_floor)) + " " + beyondText : ""));
    fact(number(data.threshold_floor), "threshold, " + data.rule);
    fact(whole(data.rows), plural(data.rows, "row") + " of " + data.names.length + " " + plural(data.names.length, "sensor"));
    if (data.unscored > 0) fact(whole(data.unscored), plural(data.unscored, "row") + " without a score: warm-up or missing values");

    const swatch = (colour, text, dashed, band) => {
        const mark = make("i", band ? { class: "band" } : {});
        if (band) mark.style.background = css(colour);
        else mark.style.borderTop = "2px " + (dashed ? "dashed " : "solid ") + css(colour);
        return make("span", {}, mark, text);
    };
    const legend = () => {
        at("legend").replaceChildren(
            swatch("--seen", "seen"), swatch("--expected", "expected by the model", true), swatch("--score", "score"),
            swatch("--threshold", "threshold", true), swatch("--alarm", "alarm", false, true),
            ...(data.labels.length > 0 ? [swatch("--label", "labelled anomalous", false, true)] : []));
    };
    if (data.names.length > 1) {
        const chips = at("sensors");
        chips.hidden = false;
        data.names.forEach((name, k) => {
            const box = make("input", { type: "checkbox" });
            box.checked = visible.has(k);
            box.addEventListener("change", () => {
                if (box.checked) visible.add(k);
                else visible.delete(k);
                build();
            });
            chips.append(make("label", {}, box, name));
        });
    }
    at("hint").textContent = "Zoom: drag, or Ctrl and the wheel. Pan: Shift and drag, the wheel sideways, or the strip above. " +
        "Double click: everything. With more rows than pixels in view, each pixel shows the smallest and the largest " +
        "value of its rows, so that no peak is lost." + (data.rows_per_point > 1
        ? " To keep this page small it holds the smallest and the largest value of every " + whole(2 * data.rows_per_point) +
          " rows; the table below covers all rows." : "") + " " + data.expected_note;

    const bar = (share) => {
        const fill = make("span");
        fill.style.width = Math.round(60 * share) + "px";
        return make("span", { class: "share" }, fill, Math.round(100 * share) + " %");
    };
    const focusOn = (index) => {
        chosen = index;
        const alarm = data.alarms[index];
        const extra = Math.max(2 * (alarm.x[1] - alarm.x[0]), step * 60);
        show(alarm.x[0] - extra, alarm.x[1] + extra);
        const detail = at("detail");
        detail.hidden = false;
        const rows = alarm.sensors.map((sensor) => make("tr", {},
            make("td", {}, data.names[sensor.feature]), make("td", {}, bar(sensor.share)),
            make("td", { class: "number" }, ofSensor(sensor.feature, sensor.seen)), make("td", { class: "number" }, ofSensor(sensor.feature, sensor.expected)),
            make("td", { class: "number" }, sensor.seen === null || sensor.expected === null ? "-" : number(sensor.seen - sensor.expected))));
        const head = make("tr", {});
        for (const [text, kind] of [["Sensor", ""], ["Share of the score", ""], ["Seen", "number"], ["Expected", "number"], ["Difference", "number"]]) {
            head.append(make("th", kind ? { class: kind } : {}, text));
        }
        const close = make("button", { type: "button" }, "Close");
        close.addEventListener("click", () => {
            chosen = -1;
            detail.hidden = true;
            document.querySelectorAll("#alarms tr.chosen").forEach((row) => row.classList.remove("chosen"));
            panels.forEach((panel) => panel.u.redraw());
        });
        const lost = alarm.lost.length > 0 ? " Missing for long: " + alarm.lost.map((k) => data.names[k]).join(", ") + "." : "";
        detail.replaceChildren(
            make("div", { class: "row" }, make("h2", {}, "Alarm " + (index + 1)), close),
            make("p", { class: "small muted" }, alarm.from + " to " + alarm.to + ", " + whole(alarm.rows) + " " + plural(alarm.rows, "row") +
                (alarm.score === null ? ", no score." : ". Largest score " + number(alarm.score) + " at " + alarm.peak + ", " +
                times(beyond(alarm.score, alarm.threshold)) + " " + beyondText + ". Shares are of the whole alarm; seen and expected are the values at that moment.") + lost),
            make("div", { class: "scroll" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))));
        document.querySelectorAll("#alarms tbody tr").forEach((row) => row.classList.toggle("chosen", Number(row.dataset.alarm) === index));
        panels.forEach((panel) => panel.u.redraw());
    };

    let listed = 100;
    const list = () => {
        const table = at("alarms");
        const order = data.alarms.map((_, k) => k);
        if (at("order").value === "score") order.sort((a, b) => (data.alarms[b].score || 0) - (data.alarms[a].score || 0));
        const head = make("tr", {});
        for (const [text, kind] of [["#", "number"], ["Start", ""], ["End", ""], ["Rows", "number"], ["Largest score", "number"],
            [beyondText[0].toUpperCase() + beyondText.slice(1), "number"], ["Main sensors (share of the score)", ""], ["Seen / expected at the peak", ""]]) {
            head.append(make("th", kind ? { class: kind } : {}, text));
        }
        const body = make("tbody");
        for (const k of order.slice(0, listed)) {
            const alarm = data.alarms[k];
            const carriers = alarm.sensors.filter((sensor) => sensor.share >= 0.1).slice(0, 3);
            const row = make("tr", { tabindex: "0", "data-alarm": k },
                make("td", { class: "number" }, String(k + 1)), make("td", { class: "when" }, alarm.from), make("td", { class: "when" }, alarm.to),
                make("td", { class: "number" }, whole(alarm.rows)), make("td", { class: "number" }, number(alarm.score)),
                make("td", { class: "number" }, alarm.score === null ? "-" : times(beyond(alarm.score, alarm.threshold))),
                make("td", {}, ...carriers.map((sensor) => make("span", { class: "carrier" }, data.names[sensor.feature] + " " + Math.round(100 * sensor.share) + " %")),
                    ...(alarm.lost.length > 0 ? [make("span", { class: "carrier" }, "lost: " + alarm.lost.map((s) => data.names[s]).join(", "))] : [])),
                make("td", {}, ...carriers.map((sensor) => make("span", { class: "carrier" }, ofSensor(sensor.feature, sensor.seen) + " / " + ofSensor(sensor.feature, sensor.expected)))));
            row.addEventListener("click", () => focusOn(k));
            row.addEventListener("keydown", (event) => { if (event.key === "Enter") focusOn(k); });
            if (k === chosen) row.classList.add("chosen");
            body.append(row);
        }
        if (data.alarms.length === 0) {
            body.append(make("tr", {}, make("td", { colspan: "8", class: "muted" }, "No alarm in this recording.")));
        }
        table.replaceChildren(make("thead", {}, head), body);
        const more = at("more");
        more.replaceChildren();
        if (listed < data.alarms.length) {
            const button = make("button", { type: "button" }, "Show more (" + whole(data.alarms.length - listed) + ")");
            button.addEventListener("click", () => { listed += 400; list(); });
            more.append(button);
        }
        if (data.alarms.length < data.alarm_count) {
            more.append(make("span", { class: "muted small" }, " The page lists the first " + whole(data.alarms.length) + " of " + whole(data.alarm_count) + " alarms."));
        }
    };
    at("order").addEventListener("change", list);

    at("settings").append(make("tbody", {}, ...data.settings.map(([name, value]) =>
        make("tr", {}, make("th", {}, name), make("td", {}, value)))));

    let curve = null;
    const buildTraining = () => {
        if (curve) curve.destroy();
        curve = null;
        const training = data.training;
        if (training.rmse.length === 0) {
            at("training-note").textContent = "The model file has no record of its training.";
            return;
        }
        const holder = at("training");
        curve = new uPlot({
            width: Math.max(200, Math.floor(holder.clientWidth)), height: 240, padding: [8, 12, 0, 0], legend: { show: false }, cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
            scales: { x: { time: false }, y: { distr: Math.min(...training.rmse, ...training.loss) > 0 ? 3 : 1 } },
            axes: [Object.assign(axes(true, false, true)[0], { label: "epoch", labelSize: 22, labelFont: "12px system-ui, sans-serif", incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] }), axes(true)[1]],
            series: [{}, { stroke: css("--seen"), width: 1.5, points: { show: training.rmse.length < 3 } },
                { stroke: css("--expected"), width: 1.5, dash: [4, 3], points: { show: training.rmse.length < 3 } }],
            hooks: { drawClear: [(u) => {
                const a = u.valToPos(training.best, "x", true);
                u.ctx.save();
                u.ctx.strokeStyle = css("--muted");
                u.ctx.setLineDash([3, 3]);
                u.ctx.beginPath();
                u.ctx.moveTo(a, u.bbox.top);
                u.ctx.lineTo(a, u.bbox.top + u.bbox.height);
                u.ctx.stroke();
                u.ctx.restore();
            }] },
        }, [training.rmse.map((_, k) => k + 1), training.rmse, training.loss], holder);
        at("training-legend").replaceChildren(swatch("--seen", "RMSE after the epoch"), swatch("--expected", "training loss", true));
        at("training-note").replaceChildren("Scaled units. The model has the weights of epoch " + training.best + " of " + training.rmse.length + ", RMSE " + number(training.rmse[training.best - 1]) + ".");
    };

    at("footer").textContent = "Written by tocsin_cli " + data.version + ". Charts: uPlot 1.6.32 by Leon Sorokin, MIT licence. This page loads nothing from the network.";

    const buildAll = () => {
        legend();
        build();
        buildTraining();
    };
    list();
    buildAll();
    let resized = 0;
    let width = document.documentElement.clientWidth;
    window.addEventListener("resize", () => {
        if (document.documentElement.clientWidth === width) return;
        width = document.documentElement.clientWidth;
        clearTimeout(resized);
        resized = setTimeout(buildAll, 120);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", buildAll);
    note();
    document.documentElement.dataset.ready = "yes";
    if (location.hash.startsWith("#alarm-") && data.alarms[Number(location.hash.slice(7)) - 1]) {
        focusOn(Number(location.hash.slice(7)) - 1);
    }
})();
